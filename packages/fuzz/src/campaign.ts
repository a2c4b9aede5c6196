import { fork } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '@radin/core';
import type { Message } from './child.js';
import { scratchFolder, writeMutant } from './mutant-files.js';
import type { Reader } from './reader.js';

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));
/** Of one mutant. What starts programs waits for them. */
const LONGEST_MS = 10_000;
const LONGEST_WITH_PROGRAMS_MS = 60_000;
/** Loading of all modules, and of torch. */
const START_MS = 120_000;
/** Different findings of a reader, after which it is left. */
const MOST_FINDINGS = 20;

export interface Finding {
  readonly reader: string;
  readonly index: number;
  readonly what: string;
  /** Whether it is an error that the reader throws, which it will again in any process. */
  readonly isThrown: boolean;
}

export interface Tally {
  readonly reader: string;
  readonly mutants: number;
  readonly accepted: number;
  readonly refused: number;
  /** Accepted mutants that another program accepted too, with equal tensors. */
  readonly compared: number;
  readonly seconds: number;
  readonly findings: readonly Finding[];
  /** What the other program said of mutants that we accept and that has no explanation, with how often and the first of each. */
  readonly peerRefuses: ReadonlyMap<string, { times: number; index: number }>;
}

export interface CampaignOptions {
  readonly seed: number;
  readonly first: number;
  readonly count: number;
  readonly seconds: number;
  /** Whether what we accept is read by the reader's other program too. Default: true. */
  readonly secondOpinion?: boolean;
}

type End = Extract<Message, { kind: 'end' }>;

/** One child process: mutants from `first` on, until it ends, hangs or dies. */
function childRun(
  reader: Reader,
  { seed, first, count, seconds, secondOpinion = true }: CampaignOptions,
  onMessage: (message: Message) => void,
): Promise<End | { readonly index: number; readonly what: string }> {
  const folder = scratchFolder();
  const progress = join(folder, 'progress');
  writeFileSync(progress, Buffer.alloc(0));
  const current = () => {
    const bytes = readFileSync(progress);
    return bytes.length < 8 ? undefined : bytes.readDoubleLE();
  };
  const args = [reader.name, seed, first, count, seconds, folder, progress, secondOpinion].map(String);
  const child = fork(CHILD, args, { execArgv: ['--expose-gc'], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = `${errors}${text}`.slice(-4000);
  });
  let end: End | undefined;
  child.on('message', (message: Message) => {
    if (message.kind === 'end') end = message;
    else onMessage(message);
  });
  let last: number | undefined;
  let since = Date.now();
  let hung = false;
  const timer = setInterval(() => {
    const index = current();
    if (index !== last) [last, since] = [index, Date.now()];
    const longest = index === undefined ? START_MS : reader.startsProcesses ? LONGEST_WITH_PROGRAMS_MS : LONGEST_MS;
    if (end !== undefined || Date.now() - since <= longest) return;
    hung = true;
    child.kill('SIGKILL');
  }, 250);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearInterval(timer);
      const index = current();
      rmSync(folder, { recursive: true, force: true });
      if (end !== undefined) resolve(end);
      else if (index === undefined) reject(new Error(`the reader ${reader.name} could not start: ${errors}`));
      else resolve({ index, what: hung ? 'more than 10 s' : `the end of the process (${signal ?? code}): ${errors}` });
    });
  });
}

/** The message without what differs from mutant to mutant. */
const signature = (what: string) => what.replace(/"[^"]*"|\d+/g, '#').slice(0, 400);

/** Reads mutants of one reader for so long, or so many. */
export async function campaign(
  reader: Reader,
  options: CampaignOptions,
  onFinding: (finding: Finding) => void,
): Promise<Tally> {
  const start = Date.now();
  const findings = new Map<string, Finding>();
  const peerRefuses = new Map<string, { times: number; index: number }>();
  const totals = { accepted: 0, refused: 0, compared: 0 };
  const found = (index: number, what: string, isThrown = false) => {
    const kind = signature(what);
    if (findings.has(kind)) return;
    const finding = { reader: reader.name, index, what, isThrown };
    findings.set(kind, finding);
    onFinding(finding);
  };
  const onMessage = (message: Message) => {
    if (message.kind === 'finding') found(message.index, message.what, true);
    if (message.kind === 'peer-refuses' && !reader.peer?.explained.some(([words]) => words.test(message.what))) {
      const kind = signature(message.what);
      const known = peerRefuses.get(kind);
      if (known === undefined) peerRefuses.set(kind, { times: 1, index: message.index });
      else known.times++;
    }
  };
  const last = options.first + options.count;
  let next = options.first;
  const left = () => options.seconds - (Date.now() - start) / 1000;
  while (next < last && left() > 0 && findings.size < MOST_FINDINGS) {
    const run = await childRun(reader, { ...options, first: next, count: last - next, seconds: left() }, onMessage);
    if (!('kind' in run)) {
      found(run.index, run.what);
      next = run.index + 1;
      continue;
    }
    totals.accepted += run.accepted;
    totals.refused += run.refused;
    totals.compared += run.compared;
    if (run.why === 'memory') {
      // Alone it tells whether it was that mutant, or what many before it left behind.
      const alone = await childRun(reader, { ...options, first: run.next - 1, count: 1, seconds: 60 }, () => {});
      if (!('kind' in alone) || alone.why === 'memory') found(run.next - 1, 'more than 500 MB');
    }
    next = run.next;
  }
  return {
    reader: reader.name,
    mutants: next - options.first,
    ...totals,
    seconds: (Date.now() - start) / 1000,
    findings: [...findings.values()],
    peerRefuses,
  };
}

/** Writes the files of a mutant into a folder of their own. @returns it */
export function saveMutant(reader: Reader, seed: number, index: number, folder: string): string {
  const path = join(folder, `${reader.name}-${seed}-${index}`);
  mkdirSync(folder, { recursive: true });
  writeMutant(path, reader.mutate(new Random(seed, index)));
  return path;
}
