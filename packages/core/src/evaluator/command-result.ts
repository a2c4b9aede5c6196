import { checkLabels, type Split } from '../data/index.js';
import { quote, RadinError } from '../errors/index.js';
import { type Logits, logitsOf, openLogits, scoredClasses } from '../logits/index.js';
import type { Metric } from '../metric/index.js';
import type { ProgramEnd } from './program-runner.js';

type Samples = Pick<Split, 'labels' | 'part' | 'samples'>;

/** What is wrong with how a program ended, in words; undefined where nothing is. */
export function failureOf({ code, signal, timedOut, stderr }: ProgramEnd, timeoutMs: number): string | undefined {
  if (code === 0 && !timedOut) return undefined;
  const end = timedOut
    ? `no end within ${timeoutMs / 1000} s`
    : signal !== null
      ? `signal ${signal}`
      : `exit code ${code}`;
  const line = lastLine(stderr);
  return line === '' ? `${end}, nothing on standard error` : `${end}, last on standard error ${quote(line)}`;
}

/** The outputs for these samples in a file with those of the whole split. @throws RadinError where it has not one finite row for each, as the task has it */
export async function readCommandLogits(path: string, { labels, part, samples }: Samples): Promise<Logits> {
  const file = await openLogits(path, labels);
  try {
    const expected = part?.of ?? samples;
    if (file.logits.samples !== expected) {
      throw new RadinError(
        'DATA',
        `Expected logits of ${expected} samples, a row for each label, but found ${file.logits.samples} in ${path}`,
      );
    }
    checkLabels(labels, scoredClasses(file.logits, labels));
    const whole = await file.read();
    return part === undefined ? whole : logitsOf(whole, part.samples);
  } finally {
    await file.close();
  }
}

/** The score that a program printed in its last line. @throws RadinError where it printed none, or one that the metric cannot have */
export function printedScore({ stdout }: ProgramEnd, metric: Metric): number {
  const line = lastLine(stdout);
  const score = scoreIn(line);
  if (score === undefined) {
    throw new RadinError(
      'EVALUATION',
      `Expected logits in the file {logits} or {"score": NUMBER} as the last line of standard output but found ${line === '' ? 'neither' : quote(line)}`,
    );
  }
  const [least, most] = metric.range;
  if (score >= least && score <= most) return score;
  const range = Number.isFinite(least) ? `from ${least} to ${most}` : `≤ ${most}`;
  throw new RadinError(
    'EVALUATION',
    `Expected a score ${range}${metric.negated ? ', the negative loss,' : ''} for ${metric.name} but found ${score}`,
  );
}

function scoreIn(line: string): number | undefined {
  try {
    const { score } = JSON.parse(line) as { score?: unknown };
    return typeof score === 'number' && Number.isFinite(score) ? score : undefined;
  } catch {
    return undefined;
  }
}

function lastLine(text: string): string {
  return (
    text
      .trimEnd()
      .split(/[\r\n]/)
      .at(-1)
      ?.trim() ?? ''
  );
}
