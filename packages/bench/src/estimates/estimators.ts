import {
  type EnsembleScores,
  ESTIMATE_NAMES,
  type Mixture,
  SoupEstimate,
  type SoupEstimateChoice,
  type WeightGeometry,
} from '@radin/core';

/** One way to put soups in order before any is evaluated. */
export interface Estimator {
  readonly name: string;
  readonly of: (mixtures: readonly Mixture[], pool: EstimatedPool) => Promise<ArrayLike<number>>;
}

/** What is known of a pool on a split without evaluating soups. */
interface EstimatedPool {
  readonly ensemble: EnsembleScores;
  readonly geometry: WeightGeometry;
  /** Scores of the single models. */
  readonly individual: Float64Array;
}

const SMOOTHINGS = [0.1, 0.25, 0.5, 1];
const TEMPERATURES = ['none', 'per-model'] as const;

/** Every estimate of logits, with temperatures and without, and each with what an adaptive search takes off for the weights. */
export const ESTIMATORS: readonly Estimator[] = [false, true].flatMap((corrected) =>
  TEMPERATURES.flatMap((temperature) =>
    ESTIMATE_NAMES.flatMap((name) =>
      (name === 'smoothed-accuracy' ? SMOOTHINGS : [undefined]).map((smoothing): Estimator => {
        const choice = { name, temperature, ...(smoothing !== undefined && { smoothing }) };
        const shown = [
          name,
          smoothing === undefined ? '' : `τ = ${smoothing}`,
          temperature === 'none' ? '' : 'per-model temperature',
          corrected ? 'less losses of weights' : '',
        ];
        return {
          name: shown.filter((part) => part !== '').join(', '),
          of: corrected
            ? (mixtures, pool) => corrections(mixtures, pool, choice)
            : async (mixtures, { ensemble }) => (await ensemble.estimate(choice)).of(mixtures),
        };
      }),
    ),
  ),
);

async function corrections(
  mixtures: readonly Mixture[],
  { ensemble, geometry, individual }: EstimatedPool,
  choice: SoupEstimateChoice,
): Promise<number[]> {
  const estimate = await SoupEstimate.open(ensemble, geometry, individual, choice);
  return (await estimate.of(mixtures)).map(({ priorScore }) => priorScore);
}
