import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Mixture } from '../../src/mixture/index.js';
import { bestIndividual, logitEnsemble, oracle, uniformSoup } from '../../src/recipes/index.js';
import {
  accuracyOf,
  everySubset,
  f32,
  soupAccuracy,
  temporaryFolder,
  tensor,
  tinyPool,
  writeArray,
  writeModel,
} from '../pools.js';
import { openScorers } from './opened.js';

const folder = temporaryFolder();
const relu = tinyPool(folder, { models: 5, samples: 120, hidden: 6, classes: 4, noise: 1.5, seed: 6 });

test('the best individual has the highest accuracy of the single models and costs no evaluation', async () => {
  const pool = await relu;
  const { validation } = await openScorers(pool);
  const scores = pool.weights.map((_, k) => soupAccuracy(pool, [k], 'validation'));
  const { best, candidates, evaluations, method } = await bestIndividual(validation);
  expect(best.score).toBe(Math.max(...scores));
  expect(best.mixture.ingredients).toEqual([scores.indexOf(Math.max(...scores))]);
  expect(candidates.map(({ score }) => score)).toEqual([...scores].sort((a, b) => b - a));
  expect([evaluations, method]).toEqual([0, 'best-individual']);
});

test('of individuals of equal accuracy the first in the pool is the best', async () => {
  const { files } = await tinyPool(folder, { models: 1, samples: 4, features: 2, classes: 2 });
  const identity = f32([2, 2], [1, 0, 0, 1]);
  const models = await Promise.all(
    // The first model is wrong everywhere; the others differ and are right everywhere.
    [-1, 1, 2, 3].map((scale) => {
      const w = f32(
        [2, 2],
        new Float32Array(identity.bytes.buffer).map((weight) => scale * weight),
      );
      return writeModel(join(folder, `scale${scale}.safetensors`), { w, b: f32([2], [0, 0]) });
    }),
  );
  const validation = {
    inputs: await writeArray(join(folder, 'inputs.npy'), f32([2, 2], [1, 0, 0, 1])),
    labels: await writeArray(join(folder, 'labels.npy'), tensor('I64', [2], BigInt64Array.of(0n, 1n))),
  };
  const scorers = await openScorers({ files: { ...files, models, validation } });
  const { best } = await bestIndividual(scorers.validation);
  expect(best).toMatchObject({ score: 1, mixture: { ingredients: [1] } });
});

test('the uniform soup is the soup of all models, one evaluation', async () => {
  const pool = await relu;
  const { validation, evaluated } = await openScorers(pool);
  const { best, evaluations, method } = await uniformSoup(validation);
  expect([...best.mixture.weights]).toEqual([0.2, 0.2, 0.2, 0.2, 0.2]);
  expect(best.score).toBe(soupAccuracy(pool, [0, 1, 2, 3, 4], 'validation'));
  expect(evaluated.filter((id) => id.includes('+'))).toEqual(['m00+m01+m02+m03+m04']);
  expect([evaluations, method]).toEqual([1, 'uniform']);
});

test('the logit ensemble scores as the averaged logits, and no soup is evaluated for it', async () => {
  const pool = await relu;
  const { validation, evaluated } = await openScorers(pool);
  const logits = pool.weights.map((weights) => pool.forward(weights, pool.validation));
  const averaged = (logits[0] as Float64Array).map((_, at) =>
    logits.reduce((sum, one) => sum + (one[at] as number), 0),
  );
  const { best, evaluations, method } = await logitEnsemble(validation);
  expect(best.score).toBe(accuracyOf(averaged, pool.validation.labels, pool.classes));
  expect(best.score).not.toBe(soupAccuracy(pool, [0, 1, 2, 3, 4], 'validation'));
  expect(best.score).toBe(best.approxScore);
  expect(evaluated).toEqual(['m00', 'm01', 'm02', 'm03', 'm04']);
  expect([evaluations, method]).toEqual([0, 'logit-ensemble']);
});

test('the oracle is the candidate of the highest test score', async () => {
  const pool = await relu;
  const { test: testScorer } = await openScorers(pool);
  const subsets = everySubset(5).filter(({ length }) => length > 1);
  const scores = subsets.map((members) => soupAccuracy(pool, members, 'test'));
  const { best, evaluations, method } = await oracle(
    testScorer,
    subsets.map((members) => Mixture.uniform(5, members)),
  );
  expect(best.score).toBe(Math.max(...scores));
  expect(soupAccuracy(pool, best.mixture.ingredients, 'test')).toBe(best.score);
  expect([evaluations, method]).toEqual([subsets.length, 'oracle']);
});
