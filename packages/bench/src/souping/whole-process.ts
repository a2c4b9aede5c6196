import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { UsageError } from '../command-line.js';

/** Runs its arguments and then says on standard error what they took of the processors, as POSIX's `times` does. */
const WITH_TIMES = '"$@"; status=$?; times >&2; exit $status';

/**
 * Runs a program that prints one JSON object. @returns that object, the seconds from before the program's start until after
 * its end, and those that its threads spent on processors. @throws UsageError with the error that it said where it fails
 */
export async function wholeProcess(
  command: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<{ readonly seconds: number; readonly cpuSeconds: number; readonly answer: unknown }> {
  const start = performance.now();
  const child = spawn('sh', ['-c', WITH_TIMES, 'sh', command, ...args], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const [status] = (await once(child, 'close')) as [number | null];
  const seconds = (performance.now() - start) / 1000;
  // Of the shell, then of its children: user and system, such as 0m1.230s 0m0.040s.
  const lines = errors.trim().split('\n');
  const ofChildren = lines.at(-1) as string;
  if (status === 0) return { seconds, cpuSeconds: secondsIn(ofChildren), answer: JSON.parse(output) };
  const said = lines.slice(0, -2);
  const message = said.findLast((line) => /error/i.test(line)) ?? said.at(-1) ?? 'no message';
  throw new UsageError(`Expected a search to succeed but found: ${message.trim()}`);
}

function secondsIn(times: string): number {
  const parts = [...times.matchAll(/(\d+)m([\d.]+)s/g)];
  return parts.reduce((sum, [, minutes, seconds]) => sum + 60 * Number(minutes) + Number(seconds), 0);
}
