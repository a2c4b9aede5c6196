import { RadinError } from '../errors/index.js';
import type { SearchResult } from './result.js';

/**
 * The error of searches that wanted to evaluate soups and lost every single one, so that what they chose is no answer to what they were
 * asked; undefined where a soup of two models or more has a score, or none was evaluated.
 */
export function lossOfEverySoup(
  results: readonly Pick<SearchResult, 'candidates' | 'evaluations'>[],
): RadinError | undefined {
  const soups = results
    // The averaged logits have a score without a soup.
    .flatMap(({ candidates, evaluations }) => (evaluations > 0 ? candidates : []))
    .filter(({ mixture }) => mixture.size > 1);
  const isOneEvaluated = soups.some(({ score, scoreAtMost }) => score !== undefined || scoreAtMost !== undefined);
  const lost = new Map(soups.flatMap(({ mixture, failed }) => (failed === undefined ? [] : [[mixture.key, failed]])));
  const [first] = lost.values();
  if (isOneEvaluated || first === undefined) return undefined;
  return new RadinError(
    'EVALUATION',
    `Expected a soup that can be evaluated but found that the evaluations of all ${lost.size} were lost, so that the best single model is all there is; the first one: ${first}`,
  );
}
