import { Mixture } from '../mixture/index.js';
import type { WeightGeometry } from '../pool/index.js';
import { Cholesky, dot } from './gap-model-cholesky.js';
import { type GapPoint, GapSpace, linearCovariance, type Residue, VanishingKernel } from './gap-model-kernel.js';

export interface GapHyperparameters {
  /** Standard deviation of gaps far from all that is known, in units of the score. */
  readonly amplitude: number;
  /** How far in weight space a gap tells something of others, in units of the median distance of two models. */
  readonly length: number;
  /** Variance of the linear terms' coefficients in units of amplitude². */
  readonly linear: number;
}

export interface GapModelOptions {
  /** The size that gaps are expected to have; default 0.03, for scores that are fractions. Observations may say otherwise. */
  readonly scale?: number;
  /** Used instead of the most probable ones. */
  readonly hyperparameters?: GapHyperparameters;
}

interface Observation {
  readonly point: GapPoint;
  readonly gap: number;
  readonly variance: number;
}

/** What is tried, the values to be preferred without evidence first; amplitudes in units of the scale. */
const AMPLITUDES = [1, 1 / 3, 3, 0.1, 10, 1 / 30, 30];
const LENGTHS = [1, 0.5, 2, 0.25];
const LINEAR = [1, 4, 0.25, 0];

/** Observations up to which hyper-parameters are chosen anew after each; then after every tenth part more. */
const FEW = 64;

/** Standard deviation of ln(amplitude / scale) before anything is observed: a factor of ten is nothing unusual. */
const AMPLITUDE_SPREAD = Math.log(10);

/** Added to the observations' variances in units of amplitude², so that one may be made twice. */
const OBSERVATION_NUGGET = 1e-10;

/**
 * A Gaussian process over mixtures for the gap d(p) = real score of soup(p) − score of ensemble(p), learned from the soups that have
 * been evaluated. To second order the gap is a quadratic form of the models' distances, so it is modelled where these are:
 *
 * d(p) = φ(p)ᵀ β + f(p), with prior mean 0 ("soup = ensemble"). φ are the weight variance, the effective size and each model's
 * share of the variance (see `GapSpace`), β independent normal coefficients; f has the covariance Matérn 5/2 of ‖soup(p) − soup(q)‖ in units
 * of the models' median distance, conditioned on being 0 at the single models, whose soup is their ensemble.
 *
 * Amplitude, length and the weight of the linear terms are the most probable of a fixed grid (marginal likelihood, and a broad
 * log-normal prior of the amplitude). The same observations give the same predictions; permuting the pool permutes them.
 * Cost: N³ once for each of four lengths; a factorisation of n observations after a new one, 112 up to 64 observations and
 * after every tenth part more; and N (N / 2 + size + n) + n² / 2
 * per mixture predicted.
 */
export class GapModel {
  readonly #space: GapSpace;
  readonly #singles: readonly GapPoint[];
  readonly #options: GapModelOptions;
  readonly #kernels = new Map<number, VanishingKernel>();
  readonly #observations: Observation[] = [];
  #fit: Fit | undefined;
  #chosen: { readonly observations: number; readonly hyperparameters: GapHyperparameters } | undefined;

  constructor(geometry: WeightGeometry, options: GapModelOptions = {}) {
    this.#space = new GapSpace(geometry);
    this.#singles = Array.from({ length: geometry.size }, (_, k) =>
      this.#space.point(Mixture.uniform(geometry.size, [k])),
    );
    this.#options = options;
  }

  /** How many observations the model has learned from. */
  get observations(): number {
    return this.#observations.length;
  }

  /** The hyper-parameters that predictions are made with. */
  get hyperparameters(): GapHyperparameters {
    return this.#fitted().hyperparameters;
  }

  /**
   * Learns the gap of an evaluated soup. Single models are ignored: their gap is 0 by definition.
   * @param gap real score − what is expected beforehand: the score of the ensemble, or less
   * @param variance of the observation's noise, ≥ 0; see `pairedVariance`
   */
  observe(mixture: Mixture, gap: number, variance: number): void {
    if (!Number.isFinite(gap)) throw new RangeError(`Expected a finite gap but received ${gap}`);
    if (!(variance >= 0 && variance < Infinity)) {
      throw new RangeError(`Expected a variance of at least 0 but received ${variance}`);
    }
    if (mixture.size === 1) return;
    this.#observations.push({ point: this.#space.point(mixture), gap, variance });
    this.#fit = undefined;
  }

  /** Mean and variance of the gap of each mixture, without the noise of an observation; both 0 for single models. */
  predict(mixtures: readonly Mixture[]): { mean: Float64Array; variance: Float64Array } {
    const fit = this.#fitted();
    const work = fit.workSpace();
    const mean = new Float64Array(mixtures.length);
    const variance = new Float64Array(mixtures.length);
    let point: GapPoint | undefined;
    for (const [i, mixture] of mixtures.entries()) {
      if (mixture.size === 1) continue;
      point = this.#space.point(mixture, point);
      [mean[i], variance[i]] = fit.predict(point, work);
    }
    return { mean, variance };
  }

  /** The most probable of all, the earlier one among equals. */
  #fitted(): Fit {
    if (this.#fit !== undefined) return this.#fit;
    const { scale = 0.03 } = this.#options;
    const n = this.#observations.length;
    const isRecent = this.#chosen !== undefined && n > FEW && n < 1.1 * this.#chosen.observations;
    const hyperparameters = this.#options.hyperparameters ?? (isRecent ? this.#chosen?.hyperparameters : undefined);
    if (hyperparameters !== undefined) {
      const kernel = this.#kernelOf(hyperparameters.length);
      this.#fit = new Fit(new Covariances(kernel, this.#observations), hyperparameters, this.#observations);
      return this.#fit;
    }
    let best: Fit | undefined;
    let highest = Number.NEGATIVE_INFINITY;
    for (const length of LENGTHS) {
      const covariances = new Covariances(this.#kernelOf(length), this.#observations);
      for (const linear of LINEAR) {
        for (const amplitude of AMPLITUDES) {
          const fit = new Fit(covariances, { amplitude: scale * amplitude, length, linear }, this.#observations);
          const logPosterior = fit.logEvidence - 0.5 * (Math.log(amplitude) / AMPLITUDE_SPREAD) ** 2;
          if (best !== undefined && !(logPosterior > highest)) continue;
          best = fit;
          highest = logPosterior;
        }
      }
    }
    this.#fit = best as Fit;
    this.#chosen = { observations: n, hyperparameters: this.#fit.hyperparameters };
    return this.#fit;
  }

  #kernelOf(length: number): VanishingKernel {
    const known = this.#kernels.get(length);
    if (known !== undefined) return known;
    const made = new VanishingKernel(this.#space, this.#singles, length);
    this.#kernels.set(length, made);
    return made;
  }
}

/** Of the observations, for one length and amplitude 1: the two parts of their covariances, [n, n], lower halves. */
class Covariances {
  readonly residues: readonly Residue[];
  readonly smooth: Float64Array;
  readonly linear: Float64Array;

  constructor(
    readonly kernel: VanishingKernel,
    observations: readonly Observation[],
  ) {
    const n = observations.length;
    this.residues = observations.map(({ point }) => kernel.residue(point));
    this.smooth = new Float64Array(n * n);
    this.linear = new Float64Array(n * n);
    for (const [i, { point }] of observations.entries()) {
      for (let j = 0; j <= i; j++) {
        const other = (observations[j] as Observation).point;
        const [a, b] = [this.residues[i] as Residue, this.residues[j] as Residue];
        this.smooth[i * n + j] = kernel.covariance(point, a, other, b);
        this.linear[i * n + j] = linearCovariance(point, other);
      }
    }
  }
}

/** Arrays that predictions overwrite, one after the other. */
interface WorkSpace {
  readonly residue: Residue;
  readonly shared: Float64Array;
}

/** The process with given hyper-parameters, conditioned on the observations. */
class Fit {
  readonly logEvidence: number;
  readonly #covariances: Covariances;
  readonly #observations: readonly Observation[];
  readonly #factor: Cholesky;
  /** L⁻¹ d. */
  readonly #whitened: Float64Array;

  constructor(
    covariances: Covariances,
    readonly hyperparameters: GapHyperparameters,
    observations: readonly Observation[],
  ) {
    const { amplitude, linear } = hyperparameters;
    const n = observations.length;
    const scale = amplitude ** 2;
    const matrix = covariances.smooth.map((value, i) => scale * (value + linear * (covariances.linear[i] as number)));
    for (const [i, { variance }] of observations.entries()) {
      matrix[i * (n + 1)] = (matrix[i * (n + 1)] as number) + variance + scale * OBSERVATION_NUGGET;
    }
    this.#covariances = covariances;
    this.#observations = observations;
    this.#factor = new Cholesky(matrix, n, scale * OBSERVATION_NUGGET);
    this.#whitened = this.#factor.solveLower(Float64Array.from(observations, ({ gap }) => gap));
    this.logEvidence =
      -0.5 * (dot(this.#whitened, this.#whitened) + this.#factor.logDeterminant + n * Math.log(2 * Math.PI));
  }

  workSpace(): WorkSpace {
    return {
      residue: new Float64Array(this.#covariances.kernel.size),
      shared: new Float64Array(this.#observations.length),
    };
  }

  predict(point: GapPoint, { residue, shared }: WorkSpace): [mean: number, variance: number] {
    const { kernel, residues } = this.#covariances;
    const { amplitude, linear } = this.hyperparameters;
    const scale = amplitude ** 2;
    const own = kernel.residue(point, residue);
    for (let i = 0; i < shared.length; i++) {
      const other = (this.#observations[i] as Observation).point;
      const smooth = kernel.covariance(point, own, other, residues[i] as Residue);
      shared[i] = scale * (smooth + linear * linearCovariance(point, other));
    }
    const prior = scale * (kernel.variance(own) + linear * linearCovariance(point, point));
    const explained = this.#factor.solveLower(shared);
    return [dot(explained, this.#whitened), Math.max(prior - dot(explained, explained), 0)];
  }
}

/**
 * Variance of the difference of two accuracies on the same samples: (b + c − (b − c)² / M) / M² (McNemar), and at least 1 / M²,
 * because two predictors that agree on M samples need not agree on others.
 * @param gained b, samples that only the first gets right
 * @param lost c, samples that only the second gets right
 */
export function pairedVariance(gained: number, lost: number, samples: number): number {
  const difference = gained - lost;
  return Math.max(gained + lost - (difference * difference) / samples, 1) / (samples * samples);
}
