import type { Metric } from '../metric/index.js';
import type { Mixture } from '../mixture/index.js';
import type { Criterion, EnsembleScores } from './ensemble-scores.js';
import type { SamplerContext } from './sampler.js';
import { type Scored, scoreAll } from './scored.js';

/** What a search may spend: of a metric's counts, and of cross-entropies, of which one pass over 200 models takes 0.2 s. */
const MOST_SECONDS = { metric: 1, 'cross-entropy': 3, predictions: 3 };

/**
 * Seconds per sample and class of a mixture and of each of its ingredients, half of the processor time measured for 200 models
 * × 10,000 samples × 100 classes on two AVX2 cores. Counts look only at the classes that can matter, some 30 a sample there,
 * where half of the samples are right, and fewer on better models.
 */
const COUNT = { mixture: 7e-10, ingredient: 1.6e-11 };
const CLASSES_THAT_MATTER = 32;
/** Of metrics of the predicted classes, for each sample and mixture, besides what counting takes. */
const PREDICTED_CLASS = 2e-8;
const LOSS = { mixture: 3e-10, ingredient: 2e-11 };
/** Of other metrics of whole predictions, which a single thread computes from averaged logits: exponentials, or sorting. */
const PREDICTIONS = { mixture: 2e-8, ingredient: 4e-10 };

/** Of a loss with its gradient, for each model of the pool; and of a call for losses, which reads all models' logits. */
const GRADIENT = 6.5e-11;
const READING = 1e-9;

/**
 * Scores mixtures until an estimate of the seconds that it takes is spent. An estimate and not a clock, so that a search ends
 * at the same step on every machine, backend and number of threads.
 */
export class Effort {
  readonly #context: SamplerContext;
  readonly #criterion: Criterion;
  #left: number;

  /** @param share of what a search may spend */
  constructor(context: SamplerContext, criterion: Criterion, share = 1) {
    this.#context = context;
    this.#criterion = criterion;
    this.#left = share * MOST_SECONDS[this.#spent];
  }

  get isSpent(): boolean {
    return this.#left <= 0;
  }

  spend(seconds: number): void {
    this.#left -= seconds;
  }

  /** Spends what one call for so many losses with gradients takes, which looks at all models' logits. */
  spendGradients(mixtures: number): void {
    const { poolSize, samples, classes } = this.#context.ensemble;
    if (mixtures > 0) this.spend(poolSize * samples * classes * (READING + GRADIENT * mixtures));
  }

  /** The mixtures with their scores, best first; also where all is spent. One call of native code. */
  score(mixtures: readonly Mixture[]): Promise<Scored[]> {
    this.spend(this.#secondsFor(mixtures));
    return scoreAll(this.#context, mixtures, this.#criterion);
  }

  get #spent(): keyof typeof MOST_SECONDS {
    const { kind } = this.#context.ensemble.metric.measure;
    if (this.#criterion === 'cross-entropy' || isLoss(kind)) return 'cross-entropy';
    return kind === 'top' ? 'metric' : 'predictions';
  }

  #secondsFor(mixtures: readonly Mixture[]): number {
    const ingredients = mixtures.reduce((sum, { size }) => sum + size, 0);
    return secondsToScore(this.#context.ensemble, this.#criterion, mixtures.length, ingredients);
  }
}

/** An estimate of the seconds that one call for the scores of so many mixtures with so many ingredients in all takes. */
export function secondsToScore(
  { poolSize, samples, classes, metric }: Pick<EnsembleScores, 'poolSize' | 'samples' | 'classes' | 'metric'>,
  criterion: Criterion,
  mixtures: number,
  ingredients: number,
): number {
  const seconds = ({ mixture, ingredient }: typeof COUNT) => mixtures * mixture + ingredients * ingredient;
  if (criterion === 'cross-entropy' || isLoss(metric.measure.kind)) {
    return samples * classes * (seconds(LOSS) + READING * poolSize);
  }
  if (metric.measure.kind === 'predictions') return samples * classes * seconds(PREDICTIONS);
  const counting = samples * Math.min(classes, CLASSES_THAT_MATTER) * seconds(COUNT);
  return metric.measure.kind === 'classes' ? counting + mixtures * samples * PREDICTED_CLASS : counting;
}

/** Whether it is added up over all classes of the averaged logits, in one pass over the models' logits. */
function isLoss(kind: Metric['measure']['kind']): boolean {
  return kind === 'cross-entropy' || kind === 'squared-error';
}
