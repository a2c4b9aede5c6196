/** Runs command lines: in a process that stays, in a fiftieth of the time that a new one takes, or in one of their own. */
import { fork, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../packages/cli/bin/radin.js', import.meta.url));
const RESIDENT = fileURLToPath(new URL('resident.mjs', import.meta.url));

/** A command that takes longer hangs. */
const LONGEST_MS = 60_000;

/** A process that runs one command line after another, under the shim. */
export class Resident {
  #environment;
  #child;
  #output = '';

  /** @param environment of the process, with that of the shim */
  constructor(environment) {
    this.#environment = environment;
  }

  get pid() {
    return this.#child?.pid;
  }

  /** @returns exit code, what was printed, open descriptors; `died` says how where the process did not survive it */
  async run(args, cwd) {
    this.#child ??= this.#start();
    const child = this.#child;
    this.#output = '';
    let finish;
    const ended = new Promise((resolve) => {
      finish = resolve;
    });
    const onExit = (code, signal) => finish({ died: signal ?? `exit code ${code}`, stderr: this.#output });
    child.once('message', finish);
    child.once('exit', onExit);
    const timer = setTimeout(
      () => finish({ died: `still running after ${LONGEST_MS / 1000} s`, stderr: this.#output }),
      LONGEST_MS,
    );
    child.send({ args, cwd });
    const outcome = await ended;
    clearTimeout(timer);
    child.off('message', finish);
    child.off('exit', onExit);
    if (outcome.died !== undefined) this.stop();
    return { stdout: '', ...outcome };
  }

  stop() {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  #start() {
    const child = fork(RESIDENT, [], {
      env: this.#environment,
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#output += text;
    });
    return child;
  }
}

/** Runs the program as a user does. @param shell a line that starts it, such as one with `ulimit`; `"$@"` is the program */
export async function runProgram(args, cwd, env, { shell, whileRunning = () => {} } = {}) {
  const command = [process.execPath, PROGRAM, ...args];
  const all = shell === undefined ? command : ['/bin/bash', '-c', shell, 'radin', ...command];
  const child = spawn(all[0], all.slice(1), { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS);
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code, signal) => resolve({ code, signal }));
  });
  whileRunning(child);
  const { code, signal } = await ended;
  clearTimeout(timer);
  return { stdout, stderr, ...(code === null ? { died: signal } : { code }) };
}

/** Processes, but these, whose environment has the text: programs that a run has started and left. Looked for until there are none, or 10 s, which a busy machine may take. */
export async function orphans(text, known) {
  for (let tries = 0; ; tries++) {
    const found = processesWith(text).filter((pid) => !known.includes(pid));
    if (found.length === 0 || tries === 200) return found;
    await sleep(50);
  }
}

/** Processes of ours, by a text of their environment. */
export function processesWith(text) {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      const status = readFileSync(`/proc/${name}/stat`, 'latin1');
      const state = status.slice(status.lastIndexOf(')') + 2)[0];
      const isOurs = readFileSync(`/proc/${name}/environ`, 'latin1').includes(text);
      return isOurs && state !== 'Z' && state !== 'X' ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}
