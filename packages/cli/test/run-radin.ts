import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Interruption } from '../src/run/interruption.js';
import { run } from '../src/run.js';
import { newFolder } from './scratch.js';

const PROGRAM = fileURLToPath(new URL('../bin/radin.js', import.meta.url));

/** The example pool that ships with the project. */
export const DIGITS = fileURLToPath(new URL('../../../examples/digits', import.meta.url));

export interface Outcome {
  /** Exit code; null where a signal ended the program. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real program to its end, with an empty cache of its own unless `args` name one. @param whileRunning is given the process, for tests that interrupt it */
export function runRadin(
  args: readonly string[],
  cwd: string,
  whileRunning: (child: ChildProcess) => void = () => {},
  environment: NodeJS.ProcessEnv = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, RADIN_CACHE_DIR: newFolder(), ...environment },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    whileRunning(child);
  });
}

let turn: Promise<unknown> = Promise.resolve();

/**
 * Runs the program in this process, in a fiftieth of the time that a process of its own takes: for what is not about processes. One at
 * a time, since working folder, environment and outputs belong to the process.
 */
export function runRadinHere(args: readonly string[], cwd: string): Promise<Outcome> {
  const outcome = turn.then(() => runNow(args, cwd));
  turn = outcome.catch(() => {});
  return outcome;
}

async function runNow(args: readonly string[], cwd: string): Promise<Outcome> {
  const before = { cwd: process.cwd(), cache: process.env.RADIN_CACHE_DIR };
  const written = { stdout: '', stderr: '' };
  const writes = (['stdout', 'stderr'] as const).map((name) => {
    const { write } = process[name];
    process[name].write = (text: string | Uint8Array) => {
      written[name] += text;
      return true;
    };
    return () => {
      process[name].write = write;
    };
  });
  process.chdir(cwd);
  process.env.RADIN_CACHE_DIR = newFolder();
  try {
    return { code: await run(args, new Interruption()), ...written };
  } finally {
    process.chdir(before.cwd);
    if (before.cache === undefined) delete process.env.RADIN_CACHE_DIR;
    else process.env.RADIN_CACHE_DIR = before.cache;
    for (const restore of writes) restore();
  }
}

/** What a command that must succeed prints with `--json`: one line, one object. */
export async function radinJson<T>(args: readonly string[], cwd: string): Promise<T> {
  const { code, stdout, stderr } = await runRadinHere([...args, '--json'], cwd);
  if (code !== 0 || !/^\{.*\}\n$/.test(stdout)) {
    throw new Error(`radin ${args.join(' ')} exited with ${code} and printed ${stdout || 'nothing'}; ${stderr}`);
  }
  return JSON.parse(stdout) as T;
}
