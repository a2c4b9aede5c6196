import { alignColumns, type Disagreement, modelDisagreement, type Problem, type ProblemInspection } from '@radin/core';

/** What the predictions of the single models say. */
export interface ModelPredictions {
  readonly models: readonly string[];
  /** On the validation samples, a fraction for each model. */
  readonly accuracy: readonly number[];
  /** What a model gets right that always predicts the most frequent label. */
  readonly chance: number;
  /** Of each model and all before it, the samples of `samples` on which their classes differ. */
  readonly disagreement: Disagreement;
}

/** Standard errors of a model of chance within which a score is no better. */
const DEVIATIONS = 2;

/** Cost: a pass of every model whose logits no earlier run has kept. @param problem opened for accuracy */
export async function modelPredictions({ validation, pool }: Problem, signal: AbortSignal): Promise<ModelPredictions> {
  const cache = await validation.cache({ signal });
  const counts = new Map<number, number>();
  for (const label of cache.labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return {
    models: pool.ids,
    accuracy: [...(await validation.individualScores({ signal }))],
    chance: Math.max(...counts.values()) / cache.samples,
    disagreement: await modelDisagreement(cache, signal),
  };
}

/** The inspection with a warning of each model that is no better than chance: it has diverged. */
export function withPredictions<T extends ProblemInspection>(
  inspection: T,
  predictions: ModelPredictions,
  samples: number,
): T & { readonly predictions: ModelPredictions } {
  const { chance, accuracy, models } = predictions;
  const most = chance + DEVIATIONS * Math.sqrt((chance * (1 - chance)) / samples);
  return {
    ...inspection,
    models: inspection.models.map((model) => {
      const score = accuracy[models.indexOf(model.id)];
      if (score === undefined || score > most) return model;
      const warning = `model ${model.id} is right on ${percent(score)} of the validation samples, no more than who always says the most frequent label (${percent(chance)})`;
      return { ...model, verdict: 'diverged', warnings: [...model.warnings, warning] };
    }),
    predictions,
  };
}

/** Accuracy of each model and how often it disagrees with the others. */
export function predictionsText({ models, accuracy, disagreement }: ModelPredictions): string[] {
  const { counts, samples } = disagreement;
  const between = (i: number, j: number) => (counts[Math.max(i, j)]?.[Math.min(i, j)] as number) / samples;
  const rows = models.map((id, k) => {
    const others = models.flatMap((_, j) => (j === k ? [] : [between(k, j)]));
    const range = others.length === 0 ? '' : `${percent(Math.min(...others))} to ${percent(Math.max(...others))}`;
    return [id, percent(accuracy[k] as number), range];
  });
  return alignColumns([['model', 'accuracy', 'disagrees with others on'], ...rows]);
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}
