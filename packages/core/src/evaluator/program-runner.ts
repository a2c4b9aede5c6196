import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileError } from '../errors/index.js';
import type { OrphanGuard } from './orphan-guard.js';

/** What is kept of each output: its end, with the last line. */
const KEPT_BYTES = 64 * 2 ** 10;
/** Between asking a program to end and ending it. */
const GRACE_MS = 2000;
/** The same where the caller does not want the result any more: a user who pressed Ctrl-C is waiting. */
const ABORT_GRACE_MS = 500;
const POLL_MS = 25;
/** For what should be over at once but hangs where a program does in the kernel, or where a daemon that left the group keeps an output open. */
const LEFTOVER_MS = 500;

export interface ProgramCall {
  /** The program, a path or a name that is looked up in PATH, and its arguments. No shell sees them. */
  readonly command: readonly string[];
  /** The working folder. */
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Ends the group where our process cannot. */
  readonly guard?: OrphanGuard;
}

export interface ProgramEnd {
  /** The exit code; null where a signal ended the program. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  /** The last 64 KiB at most, as UTF-8. */
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs programs, each as the leader of a process group of its own, without standard input. When a program is over, has had its time
 * or is aborted, what is left of its group is asked to end (SIGTERM) and after 2 s, or half a second where it was aborted, made to (SIGKILL).
 */
export class ProgramRunner {
  readonly #groups = new Set<number>();

  /** Resolves when the whole group is gone. @throws RadinError where the program cannot be started; the signal's reason when aborted */
  async run({ command, folder, environment, timeoutMs, signal, guard }: ProgramCall): Promise<ProgramEnd> {
    signal?.throwIfAborted();
    const [file, ...args] = command as [string, ...string[]];
    const child = await start(file, args, folder, environment);
    const group = child.pid as number;
    this.#groups.add(group);
    guard?.watch(group);
    const [stdout, stderr] = [keepEnd(child.stdout), keepEnd(child.stderr)];
    const exited = new Promise<'exited'>((resolve) => child.once('exit', () => resolve('exited')));
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const stop = new AbortController();
    const abort = () => stop.abort('aborted');
    signal?.addEventListener('abort', abort, { once: true });
    const timer = setTimeout(() => stop.abort('timeout'), timeoutMs);
    const stopped = new Promise<unknown>((resolve) => {
      stop.signal.addEventListener('abort', () => resolve(stop.signal.reason), { once: true });
    });
    try {
      const reason = await Promise.race([exited, stopped]);
      await endGroup(group, reason === 'aborted' ? ABORT_GRACE_MS : GRACE_MS);
      await Promise.race([exited, sleep(LEFTOVER_MS, undefined, { ref: false })]);
      await Promise.race([closed, sleep(LEFTOVER_MS, undefined, { ref: false })]);
      if (reason === 'aborted') throw signal?.reason;
      return {
        code: child.exitCode,
        signal: child.signalCode,
        timedOut: reason === 'timeout',
        stdout: stdout(),
        stderr: stderr(),
      };
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      child.stdout.destroy();
      child.stderr.destroy();
      this.#groups.delete(group);
      guard?.watch(undefined);
    }
  }

  /** Ends all that runs, without waiting: for when our own process ends. */
  endAll(): void {
    for (const group of this.#groups) signalGroup(group, 'SIGKILL');
  }
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

async function start(file: string, args: string[], cwd: string, env: NodeJS.ProcessEnv): Promise<Child> {
  try {
    const child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    return child;
  } catch (error) {
    throw fileError('run', file, error);
  }
}

/** Reads a stream to its end and keeps the last of it. */
function keepEnd(stream: Readable): () => string {
  let kept = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]).subarray(-KEPT_BYTES);
  });
  stream.on('error', () => {}); // The program is over, and with it what it had to say.
  return () => kept.toString('utf8');
}

async function endGroup(group: number, graceMs: number): Promise<void> {
  if (!signalGroup(group, 'SIGTERM')) return;
  for (let waited = 0; waited < graceMs; waited += POLL_MS) {
    await sleep(POLL_MS);
    if (!isAlive(group)) return;
  }
  signalGroup(group, 'SIGKILL');
}

/** Whether a process of the group still runs. Ended ones that nobody waits for, as in containers without an init, count as there for `kill`. */
function isAlive(group: number): boolean {
  if (!signalGroup(group, 0)) return false;
  if (process.platform !== 'linux') return true;
  const names = processNames();
  // Who cannot be looked for may be there.
  if (names === undefined) return true;
  return names.some((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const status = readFileSync(`/proc/${name}/stat`, 'latin1');
      // The command's name in parentheses may hold anything; state, parent and group follow it.
      const [state, , itsGroup] = status.slice(status.lastIndexOf(')') + 2).split(' ');
      return Number(itsGroup) === group && state !== 'Z' && state !== 'X';
    } catch {
      return false;
    }
  });
}

/** Names of processes, among others, in /proc; undefined where they cannot be listed, as without a descriptor. */
function processNames(): string[] | undefined {
  try {
    return readdirSync('/proc');
  } catch {
    return undefined;
  }
}

/** Whether there is such a group. */
function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}
