import { type PoolLogits, poolLogits, storedInMemory } from '../../src/logits/index.js';
import type { Metric } from '../../src/metric/index.js';
import { Mixture } from '../../src/mixture/index.js';
import { WeightGeometry } from '../../src/pool/index.js';
import { backendNamed } from '../../src/problem/index.js';
import { Random } from '../../src/random.js';
import { ApproxScorer } from '../../src/stage1/index.js';
import type { MixtureScorer } from '../../src/stage2/index.js';

export interface Simulation {
  readonly models: number;
  readonly samples: number;
  readonly classes: number;
  readonly batch: number;
  /** How far a soup's logits are from those of its ensemble. */
  readonly gap: number;
  readonly seed: number;
}

/**
 * A scorer without models: logits are drawn, and a soup's are those of its ensemble plus a draw of its own that is the same
 * whenever it is asked for.
 */
export async function simulate({ models, samples, classes, batch, gap, seed }: Simulation, metric: Metric) {
  const random = new Random(seed, 0);
  const uniform = (from: Random) => from.uint32() / 2 ** 32;
  const normal = (from: Random) => uniform(from) + uniform(from) + uniform(from) + uniform(from) - 2;
  const labels = Int32Array.from({ length: samples }, () => Math.floor(uniform(random) * classes));
  const drawLogits = () =>
    Float32Array.from({ length: samples * classes }, (_, at) => {
      const isLabel = at % classes === labels[Math.floor(at / classes)];
      return normal(random) + (isLabel ? 0.7 : 0);
    });
  const ids = Array.from({ length: models }, (_, model) => `m${model}`);
  const values = ids.map(drawLogits);
  const stored = values.map((own) => storedInMemory({ values: own, samples, classes }));
  // Of tasks without classes a target for each output, right where the logits of most models are.
  const targets = Float64Array.from({ length: samples * classes }, (_, at) =>
    at % classes === labels[Math.floor(at / classes)] ? 1 : 0,
  );
  const cached: PoolLogits = metric.withoutClasses
    ? poolLogits(ids, stored, new Int32Array(), { targets })
    : poolLogits(ids, stored, labels);
  const options = { metric, backend: backendNamed('auto'), threads: 1 };
  const ensemble = await ApproxScorer.open(cached, options);
  const points = ids.map(() => Array.from({ length: 4 }, () => normal(random)));
  const geometry = new WeightGeometry(
    Float64Array.from(
      points.flatMap((a) => points.map((b) => a.reduce((sum, value, at) => sum + value * (b[at] as number), 0))),
    ),
  );

  /** Of each sample: 1 or 0, how many of its labels are right, or the negated loss. */
  const outcomes = ({ weights, key, size }: Mixture): number[] => {
    const own = new Random(
      [...key].reduce((hash, char) => (hash * 31 + char.charCodeAt(0)) % 2 ** 31, seed),
      1,
    );
    const spread = size === 1 ? 0 : gap * uniform(own);
    return Array.from(labels, (label, sample) => {
      const logits = Array.from({ length: classes }, (_, c) =>
        values.reduce(
          (sum, own, model) => sum + (weights[model] as number) * (own[sample * classes + c] as number),
          spread * normal(own),
        ),
      );
      if (metric.withoutClasses) return ofOutputs(metric, logits, label);
      const mine = logits[label] as number;
      if (metric.measure.kind !== 'top') return mine - Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0));
      const ahead = logits.filter((z, c) => z > mine || (z === mine && c < label)).length;
      return ahead < metric.measure.k ? 1 : 0;
    });
  };
  const most = metric.name === 'accuracy' && metric.withoutClasses ? classes : 1;
  const score = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / (samples * most);
  /** Keys of the soups in the order in which they were opened. */
  const opened: string[] = [];
  let measured = 0;
  const scorer: MixtureScorer = {
    poolSize: models,
    batch,
    cache: async () => cached,
    approxScores: (mixtures) => ensemble.scores(mixtures),
    rank: () => Promise.reject(new Error('not simulated')),
    ensemble: async () => ensemble.ensemble,
    individualScores: () => ensemble.scores(ids.map((_, model) => Mixture.uniform(models, [model]))),
    scores: async (mixtures) => mixtures.map((mixture) => score(outcomes(mixture))),
    async openSoupInParts(mixture) {
      opened.push(mixture.key);
      const outcome = outcomes(mixture);
      return {
        async measure(parts) {
          measured += parts.reduce((sum, part) => sum + part.length, 0);
          return parts.map((part) => {
            const found = Array.from(part, (sample) => outcome[sample] as number);
            const total = found.reduce((sum, value) => sum + value, 0);
            return metric.measure.kind === 'top' ? { total, correct: Uint8Array.from(found) } : { total };
          });
        },
        async close() {},
      };
    },
    record() {},
  };
  return {
    scorer,
    geometry,
    opened,
    /** Real score of a soup, all samples added up in their own order. */
    score: (mixture: Mixture) => score(outcomes(mixture)),
    measured: () => measured,
    close: () => ensemble.close(),
  };
}

/** What one sample gets by the metrics of outputs that are simulated, whose targets are 1 of the label and else 0. */
function ofOutputs({ name }: Metric, outputs: readonly number[], label: number): number {
  const errors = outputs.map((output, c) => output - (c === label ? 1 : 0));
  switch (name) {
    case 'mse':
      return -errors.reduce((sum, error) => sum + error * error, 0) / outputs.length;
    case 'accuracy':
      return outputs.filter((output, c) => output > 0 === (c === label)).length;
    default:
      throw new Error(`${name} is not simulated`);
  }
}
