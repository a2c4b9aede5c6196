/**
 * Reads mutants of one reader, one after the other, and tells the process that started it what it found:
 *
 *   node child.js READER SEED FIRST COUNT SECONDS FOLDER PROGRESS SECOND_OPINION
 *
 * In the file PROGRESS is the number of the mutant that is being read, for when this process hangs or dies.
 */
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '@radin/core';
import { Fence } from './fence.js';
import { writeMutant } from './mutant-files.js';
import { type Verdict, verdictOf } from './oracle.js';
import { difference, Peer } from './peer.js';
import type { Reader } from './reader.js';
import { READERS } from './readers.js';
import { makeRunDocuments } from './seeds/pool.js';

/** Of this process, with everything that reading takes. */
export const MOST_KILOBYTES = 500_000;

export type Message =
  | { readonly kind: 'finding'; readonly index: number; readonly what: string }
  | { readonly kind: 'peer-refuses'; readonly index: number; readonly what: string }
  | {
      readonly kind: 'end';
      readonly next: number;
      readonly accepted: number;
      readonly refused: number;
      readonly compared: number;
      readonly peakKilobytes: number;
      readonly why: 'done' | 'memory';
    };

const [name, seed, first, count, seconds, folder, progress, secondOpinion] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string,
  string,
  string,
];
const reader = READERS.find((one) => one.name === name) as Reader;
const tell = (message: Message) => new Promise<void>((resolve) => process.send?.(message, () => resolve()));

if (reader.name === 'report') await makeRunDocuments();
const peer = secondOpinion === 'true' && reader.peer ? await Peer.start(reader.peer.name) : undefined;
const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
// Drawing charts reads the libraries that a page holds.
const fence = new Fence([folder, REPOSITORY], reader.startsProcesses === true);
const marks = openSync(progress, 'w');
const mark = Buffer.alloc(8);
const files = join(folder, 'mutant');
const until = Date.now() + Number(seconds) * 1000;
const counts = { accepted: 0, refused: 0, compared: 0 };

async function judged(index: number): Promise<Verdict> {
  writeMutant(files, reader.mutate(new Random(Number(seed), index)));
  fence.breaches();
  let verdict: Verdict = { kind: 'accepted' };
  try {
    const tensors = await reader.read(files);
    if (peer !== undefined && reader.peer !== undefined && tensors !== undefined) {
      const answer = await peer.read(join(files, reader.peer.file));
      if (answer.refused !== undefined) await tell({ kind: 'peer-refuses', index, what: answer.refused });
      if (answer.tensors !== undefined) {
        counts.compared++;
        const found = difference(tensors, answer.tensors);
        if (found !== undefined)
          verdict = { kind: 'finding', what: `${reader.peer.name} reads other tensors: ${found}` };
      }
    }
  } catch (error) {
    verdict = verdictOf(error);
  }
  const [outside] = reader.startsProcesses ? [] : fence.breaches();
  return outside === undefined ? verdict : { kind: 'finding', what: `opened outside of the folder: ${outside}` };
}

let index = Number(first);
let why: 'done' | 'memory' = 'done';
for (const end = index + Number(count); index < end && Date.now() < until; index++) {
  mark.writeDoubleLE(index);
  writeSync(marks, mark, 0, 8, 0);
  const verdict = await judged(index);
  if (verdict.kind === 'finding') await tell({ kind: 'finding', index, what: verdict.what });
  else counts[verdict.kind]++;
  if (process.resourceUsage().maxRSS > MOST_KILOBYTES) {
    why = 'memory';
    index++;
    break;
  }
  if (index % 500 === 0) (globalThis as { gc?: () => void }).gc?.();
}
await reader.close?.();
peer?.stop();
await tell({ kind: 'end', next: index, ...counts, peakKilobytes: process.resourceUsage().maxRSS, why });
process.exit(0);
