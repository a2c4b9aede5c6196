import {
  basinWarnings,
  distancesFromOthers,
  hasClasses,
  modelDisagreement,
  type PoolFindings,
  type Problem,
} from '@radin/core';

/**
 * What a report says of the single models; no forward pass and no pass over the weights beyond those already made.
 * @param testScores of the models of which they are known, by index
 */
export async function poolFindings(
  problem: Problem,
  testScores: ReadonlyMap<number, number>,
  signal: AbortSignal,
): Promise<PoolFindings> {
  const { validation } = problem;
  const geometry = await problem.geometry({ signal });
  return {
    valScores: await validation.individualScores({ signal }),
    testScores,
    distances: distancesFromOthers(geometry),
    warnings: basinWarnings(geometry),
    ...(hasClasses(validation.task) && {
      disagreement: await modelDisagreement(await validation.cache({ signal }), signal),
    }),
  };
}
