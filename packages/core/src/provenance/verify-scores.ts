import { quote, RadinError } from '../errors/index.js';
import type { CommandEvaluatorOptions, MemoryMeter } from '../evaluator/index.js';
import type { Metric } from '../metric/index.js';
import type { Checkpoint } from '../pool/index.js';
import { type PredictionListener, Problem } from '../problem/index.js';
import type { CallOptions } from '../progress.js';
import type { Difference } from './difference.js';
import type { SoupSources } from './lock.js';
import type { NamedSoup } from './named-soup.js';
import { recordedSplit } from './record.js';
import { otherFile } from './recorded.js';

/** Another processor may round logits otherwise in the last bits; a sample more or less of a million is more than this. */
const TOLERANCE = 1e-6;

export interface VerifyScoresOptions extends CallOptions {
  readonly metric: Metric;
  /** Name of a backend, or `auto`. */
  readonly backend: string;
  readonly threads?: number;
  /** Bytes of memory that evaluation may take, and who is told of what it takes. */
  readonly maxMemory?: number;
  readonly meter?: MemoryMeter;
  readonly onPrediction?: PredictionListener;
  /** In front of the lock's. */
  readonly sources?: SoupSources;
  /** The program that evaluates in the place of ONNX Runtime, which no lock names. */
  readonly evaluator?: CommandEvaluatorOptions;
  /** Told what the user should know before anything is evaluated. */
  readonly notice: (line: string) => void;
}

/** Scores that were found as recorded, or the first thing that was not. */
export interface VerifiedScores {
  readonly scores: Readonly<Record<string, number>>;
  readonly differing?: Difference;
}

/**
 * Evaluates a soup again on the splits whose scores are recorded, and compares their data and the scores, these to 1e-6.
 * @throws RadinError where no score is recorded, a split is missing or cannot be read, or the evaluation fails
 */
export async function verifyScores(named: NamedSoup, options: VerifyScoresOptions): Promise<VerifiedScores> {
  const { record, soup, found } = named;
  const { batch, batchNormInputs: _, ...sources } = { ...named.sources, ...options.sources };
  const { holdOut, seed = 0 } = record;
  const recorded = Object.keys(record.scores ?? {});
  if (recorded.length === 0 || sources.validation === undefined) {
    throw new RadinError(
      'CONFIG',
      `Expected ${recorded.length === 0 ? 'recorded scores' : 'the data that they were measured on (--pool)'} for --scores but found none of ${soup}`,
    );
  }
  if (found !== undefined && options.sources === undefined) {
    const changed = await otherFile(found.lock.others, found.folder, options);
    if (changed !== undefined) return { scores: {}, differing: changed };
  }
  const { metric, backend, threads, maxMemory, meter, onPrediction, evaluator, signal, notice } = options;
  const files = { ...sources, validation: sources.validation, models: [soup], ...(evaluator && { evaluator }) };
  const problem = await Problem.open(files, {
    metric,
    backend,
    splits: recorded.includes('test') ? ['validation', 'test'] : ['validation'],
    ...(holdOut !== undefined && { holdOut: { fraction: holdOut, seed } }),
    ...(batch && { batch }),
    ...(threads && { threads }),
    ...(maxMemory !== undefined && { maxMemory }),
    ...(meter && { meter }),
  });
  try {
    onPrediction?.(problem.memory.predicted?.peakMemory);
    for (const line of problem.notices) notice(line);
    if (recorded.includes('test')) await problem.openTest();
    const [model] = problem.pool.checkpoints as readonly [Checkpoint];
    const scores: Record<string, number> = {};
    for (const name of recorded) {
      const scorer = problem.scorers.get(name as 'validation');
      if (scorer === undefined) {
        throw new RadinError(
          'CONFIG',
          `Expected the split ${quote(name)}, whose score is recorded, but found no data of it (--pool)`,
        );
      }
      const data = JSON.stringify(await recordedSplit(scorer.split, problem.keys));
      const expectedData = JSON.stringify(record.splits?.[name]);
      if (expectedData !== undefined && data !== expectedData) {
        const message = `Expected the ${name} split ${expectedData} but found ${data}`;
        return { scores, differing: { kind: 'split', name, message } };
      }
      const { score } = await scorer.evaluate(model, { ...(signal && { signal }) });
      const expected = record.scores?.[name] as number;
      if (!(Math.abs(score - expected) <= TOLERANCE * Math.max(1, Math.abs(expected)))) {
        const message = `Expected a ${name} ${metric.name} of ${expected} but found ${score} of ${soup}`;
        return { scores, differing: { kind: 'score', name, message } };
      }
      scores[name] = score;
    }
    return { scores };
  } finally {
    await problem.dispose();
  }
}
