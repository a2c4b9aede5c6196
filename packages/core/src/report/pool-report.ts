import type { Disagreement } from '../explanation/index.js';

/** What is known of a pool's single models, without a forward pass beyond those that cache their logits. */
export interface PoolFindings {
  /** Validation score of each model, shape [N]. */
  readonly valScores: ArrayLike<number>;
  /** Test scores of the models of which they are known, by index; they only report. */
  readonly testScores?: ReadonlyMap<number, number>;
  /** The median distance of each model from the others in weight space, where there is one. */
  readonly distances?: readonly (number | undefined)[];
  /** Models that may lie outside the basin of the others, by id, with the evidence. */
  readonly warnings?: readonly { readonly model?: string; readonly message: string }[];
  readonly disagreement?: Disagreement;
}

/** What `result.json` and `comparison.json` say of the single models. */
export interface PoolReport {
  /** In the order of the pool. */
  readonly models: readonly {
    readonly model: string;
    readonly valScore: number;
    /** Where it is known without an evaluation for its own sake. */
    readonly testScore?: number;
    /** The median distance from the other models, Euclidean, over all averaged weights. */
    readonly distance?: number;
    /** Why the model may be outside the basin of the others. */
    readonly warning?: string;
  }[];
  /** On how many of `samples` validation samples two models predict different classes: for each model, one count for each before it. */
  readonly disagreement?: Disagreement;
}

/** @param ids of the pool's models, by index */
export function poolReport(findings: PoolFindings, ids: readonly string[]): PoolReport {
  const { valScores, testScores, distances, warnings = [], disagreement } = findings;
  return {
    models: ids.map((model, index) => {
      const [testScore, distance] = [testScores?.get(index), distances?.[index]];
      const warning = warnings.find((one) => one.model === model)?.message;
      return {
        model,
        valScore: valScores[index] as number,
        ...(testScore !== undefined && { testScore }),
        ...(distance !== undefined && { distance: Number(distance.toPrecision(6)) }),
        ...(warning !== undefined && { warning }),
      };
    }),
    ...(disagreement && { disagreement }),
  };
}
