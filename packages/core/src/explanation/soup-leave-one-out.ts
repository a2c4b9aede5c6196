import { Mixture } from '../mixture/index.js';
import type { EnsembleScores } from '../sampler/index.js';

/** What one ingredient is worth to the chosen soup: scores with it minus those without, the other weights in proportion. */
export interface IngredientValue {
  /** Index in the pool. */
  readonly model: number;
  /** Change of the score of the averaged logits. */
  readonly approx: number;
  /** Change of the score of the soup, where the soup without the model was evaluated or is a single model. */
  readonly real?: number;
}

/**
 * Leave-one-out values of a soup's ingredients; none for a single model. One call of `scores`, no forward pass.
 * @param soup with its real score @param known real scores by the key of the mixture
 */
export async function soupLeaveOneOut(
  ensemble: EnsembleScores,
  soup: { readonly mixture: Mixture; readonly approxScore: number; readonly score?: number },
  known: ReadonlyMap<string, number>,
  signal?: AbortSignal,
): Promise<IngredientValue[]> {
  const { mixture } = soup;
  if (mixture.size === 1) return [];
  const without = mixture.ingredients.map((model) => leaveOut(mixture, model));
  const scores = await ensemble.scores(without, 'metric', signal);
  return mixture.ingredients.map((model, at) => {
    const real = known.get((without[at] as Mixture).key);
    return {
      model,
      approx: soup.approxScore - (scores[at] as number),
      ...(real !== undefined && soup.score !== undefined && { real: soup.score - real }),
    };
  });
}

function leaveOut({ weights, ingredients, uniform }: Mixture, model: number): Mixture {
  const rest = ingredients.filter((other) => other !== model);
  if (uniform) return Mixture.uniform(weights.length, rest);
  const sum = rest.reduce((total, k) => total + (weights[k] as number), 0);
  return Mixture.of(Array.from(weights, (weight, k) => (k === model ? 0 : weight / sum)));
}
