import { type ChildProcess, spawn } from 'node:child_process';

/** Its input ends when the process does that holds the other end, in whatever way: the kernel closes that. */
const SCRIPT = `
group=
while read -r next; do group=$next; done
if [ -n "$group" ]; then
  kill -s TERM -- "-$group" && sleep 2
  kill -s KILL -- "-$group"
fi
rm -rf -- "$0"
`;

/**
 * A shell beside an evaluation, which does what is left to do where our process ends without doing it, as by `kill -9`: it ends the
 * program's group and removes the evaluation's folder. Where there is no shell, such programs run to their own end. Cost: one process, a few milliseconds.
 */
export class OrphanGuard {
  readonly #shell: ChildProcess;

  constructor(folder: string) {
    // In a group of its own, which Ctrl-C does not reach.
    this.#shell = spawn('sh', ['-c', SCRIPT, folder], {
      cwd: '/',
      detached: true,
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin' },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#shell.on('error', () => {});
    this.#shell.stdin?.on('error', () => {});
    this.#shell.unref();
  }

  /** @param group of the program that runs; undefined where none does any more */
  watch(group: number | undefined): void {
    this.#shell.stdin?.write(`${group ?? ''}\n`);
  }

  /** Everything is done. */
  close(): void {
    this.#shell.kill('SIGKILL');
    this.#shell.stdin?.destroy();
  }
}
