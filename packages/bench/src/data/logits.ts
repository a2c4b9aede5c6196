import { Noise } from './noise.js';

export interface LogitPool {
  readonly samples: number;
  readonly classes: number;
  /** N arrays of shape [M, C]. */
  readonly logits: readonly Float32Array[];
  /** Shape [M]. */
  readonly labels: Int32Array;
}

/** Classes of a sample that look like its own to every model. */
const CONFUSABLE = 6;
/** Turns the units below, in which noise of one class is about 1, into logits of the usual size. */
const SCALE = 2;

/**
 * Logits as fine-tuned models of one origin give them. All models share most of a sample's difficulty: its margin, the
 * classes it is confused with, the background; each adds noise of its own, more the later it comes in the pool. With 1000
 * classes the models are right on 70 to 80 % of the samples and err together: about two thirds of the samples are right in
 * all of 13 models, and one in seven has a class that all of them prefer to the label.
 * @param ruined the last models of the pool, which have learnt nothing: by turns one with tiny logits, as networks that
 * collapsed give, and one with large ones that have nothing to do with the sample
 */
export function makeLogits(
  models: number,
  samples: number,
  classes: number,
  { seed, ruined = 0 }: { readonly seed: number; readonly ruined?: number },
): LogitPool {
  const noise = new Noise(seed);
  const labels = new Int32Array(samples);
  const shared = new Float32Array(samples * classes);
  noise.fill(shared, 0.6 * SCALE);
  for (let sample = 0; sample < samples; sample++) {
    const row = shared.subarray(sample * classes, (sample + 1) * classes);
    const add = (at: number, value: number) => {
      row[at] = (row[at] as number) + SCALE * value;
    };
    const label = noise.below(classes);
    labels[sample] = label;
    for (let i = 0; i < CONFUSABLE; i++) add(noise.below(classes), 2.4 + 0.8 * noise.gauss());
    add(label, 5.4 + 2.2 * noise.gauss());
  }
  const logits = Array.from({ length: models }, (_, model) => {
    const values = new Float32Array(samples * classes);
    const own = 0.3 + (0.2 * model) / models;
    if (model < models - ruined) noise.fill(values, own * SCALE, shared);
    else noise.fill(values, (models - model) % 2 === 1 ? 0.01 : 2 * SCALE);
    return values;
  });
  return { samples, classes, logits, labels };
}

/** Random subsets of the models, each of any size ≥ 1, as lists of indices: the candidates of stage 1. */
export function makeSubsets(models: number, count: number, seed: number): number[][] {
  const noise = new Noise(seed);
  return Array.from({ length: count }, () => {
    const order = Array.from({ length: models }, (_, model) => model);
    for (let i = models - 1; i > 0; i--) {
      const j = noise.below(i + 1);
      [order[i], order[j]] = [order[j] as number, order[i] as number];
    }
    return order.slice(0, 1 + noise.below(models)).sort((a, b) => a - b);
  });
}
