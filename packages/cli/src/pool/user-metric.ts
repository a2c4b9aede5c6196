import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  hasClasses,
  type Metric,
  metricNamed,
  type Predictions,
  predictionMetric,
  quote,
  RadinError,
  readSmallFile,
  TASKS,
  type TaskName,
} from '@radin/core';
import { z } from 'zod';
import { CallInterrupted, interruptible } from './interruptible-call.js';
import { reason } from './thrown.js';

/** Bytes of a module: what it imports may be longer. */
const LARGEST = 2 ** 20;

/** What a user's function is given. Arrays are row-major and not to be changed. */
interface ScoredPredictions {
  /** [M, C]: logits, or of a regression the outputs. */
  readonly logits: Float32Array;
  readonly samples: number;
  readonly classes: number;
  /** Class indices [M]; of multi-label classification and regressions the targets, [M, C]. */
  readonly labels: Int32Array | Float64Array;
  /** The group of each sample, where groups are given. */
  readonly groups?: Int32Array;
}

const definition = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.@+-]{1,60}$/, 'Expected a name of letters, digits, - _ . + @')
    .refine((name) => TASKS.every((task) => metricNamed(name, task) === undefined), 'Expected a name of your own'),
  higherIsBetter: z.boolean(),
  unit: z
    .string()
    .max(20)
    .regex(/^\P{C}*$/u, 'Expected a unit without control characters')
    .optional(),
  score: z.custom<(predictions: ScoredPredictions) => unknown>((value) => typeof value === 'function', {
    message: 'Expected a function',
  }),
});

/**
 * A metric of the user's own: the default export of an ES module. The module is run with all rights of the process.
 * Scores of soups are remembered under the hash of the module; not where it imports others, whose changes the hash would not show.
 * @throws RadinError of one line where it cannot be loaded, waits for what never comes, is no metric, throws, or gives no finite number
 */
export async function loadUserMetric(path: string, task: TaskName): Promise<Metric> {
  const bytes = await readSmallFile(path, LARGEST);
  const module: { readonly default?: unknown } = await importModule(path);
  if (module.default === undefined) {
    throw new RadinError('CONFIG', `Expected a metric as the default export but found none in ${path}`);
  }
  const parsed = parse(module.default, path);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const at = issue?.path.length ? quote(issue.path.join('.')) : 'the default export';
    throw new RadinError(
      'CONFIG',
      `Expected { name, higherIsBetter, unit?, score } as the default export but found: ${issue?.message} (${at}) in ${path}`,
    );
  }
  const { name, higherIsBetter, unit = '', score } = parsed.data;
  const scored = interruptible(score);
  const value = (predictions: Predictions) => {
    const found = call(scored, predictions, name, path);
    if (typeof found !== 'number' || !Number.isFinite(found)) throw noScore(name, 'a finite number', found, path);
    if (unit === 'fraction' && !(found >= 0 && found <= 1)) throw noScore(name, 'a fraction from 0 to 1', found, path);
    return found;
  };
  const imports = /\b(import|require|export\s[^;]*\sfrom)\b/.test(Buffer.from(bytes).toString('utf8'));
  return predictionMetric(name, value, {
    unit,
    negated: !higherIsBetter,
    range: rangeOf(unit, higherIsBetter),
    withoutClasses: !hasClasses(task),
    source: createHash('sha256').update(bytes).digest('hex'),
    remembered: !imports,
  });
}

function importModule(path: string): Promise<{ readonly default?: unknown }> {
  return new Promise((resolveWith, reject) => {
    const refuse = (found: string, options: ErrorOptions = {}) =>
      reject(new RadinError('CONFIG', `Expected an ES module that loads but found: ${found} in ${path}`, options));
    // When nothing is left to do, what the module waits for cannot come.
    const never = () => refuse('it awaits what never comes');
    process.once('beforeExit', never);
    // No listener runs while the module does, and there is nothing yet that they could save.
    const listeners = process.rawListeners('SIGINT') as NodeJS.SignalsListener[];
    process.removeAllListeners('SIGINT');
    import(pathToFileURL(resolve(path)).href)
      .then(resolveWith, (error) => refuse(reason(error), { cause: error }))
      .finally(() => {
        process.off('beforeExit', never);
        for (const listener of listeners) process.on('SIGINT', listener);
      });
  });
}

/** Of scores, which are negated where less is better. */
function rangeOf(unit: string, higherIsBetter: boolean): Metric['range'] {
  if (unit !== 'fraction') return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return higherIsBetter ? [0, 1] : [-1, 0];
}

/** @throws RadinError where looking at it runs code that throws */
function parse(exported: unknown, path: string): ReturnType<typeof definition.safeParse> {
  try {
    return definition.safeParse(exported);
  } catch (error) {
    throw new RadinError(
      'CONFIG',
      `Expected a plain object as the default export but found: ${reason(error)} in ${path}`,
      {
        cause: error,
      },
    );
  }
}

function call(
  score: (predictions: ScoredPredictions) => unknown,
  { logits, samples, classes, truth }: Predictions,
  name: string,
  path: string,
): unknown {
  const { labels, targets, groups } = truth;
  try {
    return score({ logits, samples, classes, labels: targets ?? labels, ...(groups && { groups }) });
  } catch (error) {
    if (error instanceof CallInterrupted) throw error;
    throw new RadinError('CONFIG', `Expected the metric ${name} to score but found: ${reason(error)} in ${path}`, {
      cause: error,
    });
  }
}

function noScore(name: string, expected: string, found: unknown, path: string): RadinError {
  const shown = typeof found === 'number' ? String(found) : found === null ? 'null' : `a value of type ${typeof found}`;
  return new RadinError('CONFIG', `Expected ${expected} as the score of ${name} but found ${shown} in ${path}`);
}
