import { expect, test } from 'vitest';
import { explainEnsemble, soupFacts, soupLeaveOneOut, soupLoses } from '../../src/explanation/index.js';
import { accuracy, crossEntropy } from '../../src/metric/index.js';
import { Mixture } from '../../src/mixture/index.js';
import { bestIndividual, greedySoup, radin, uniformSoup } from '../../src/recipes/index.js';
import { soupReasons } from '../../src/report/index.js';
import { monteCarlo } from '../../src/sampler/index.js';
import { soupAccuracy, temporaryFolder, tinyPool } from '../pools.js';
import { openScorers } from '../recipes/opened.js';

const folder = temporaryFolder();
const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
const search = { samplers: [monteCarlo], candidates: 20, seed: 0, includeUniform: true, lambda: 1, budget: 3 };

async function reasonsOf(
  shape: Parameters<typeof tinyPool>[1],
  outside: readonly number[] = [],
  budget = 3,
  metric = accuracy,
) {
  const opened = await openScorers(await tinyPool(folder, shape), metric);
  const result = await radin(opened.validation, { ...search, budget });
  const single = await bestIndividual(opened.validation);
  const before = opened.evaluated.length;
  const facts = await soupFacts(opened.validation, result, outside);
  expect(opened.evaluated).toHaveLength(before);
  const reasons = soupReasons(facts, ids, metric);
  return {
    ...opened,
    result,
    single,
    facts,
    reasons,
    texts: new Map(reasons.map(({ reason, text }) => [reason, text])),
  };
}

/** Independent networks of one hidden layer: their units have nothing to do with each other, so soups are ruined. */
const ruined = { models: 5, samples: 300, hidden: 6, classes: 4, noise: 2.5, seed: 4 };
/** A linear network, whose soups are its ensembles. */
const linear = { models: 4, samples: 200, classes: 3, noise: 0.9, seed: 3 };
/** The same, where the first model is far ahead and no soup reaches it. */
const led = { models: 3, samples: 300, classes: 3, noise: 0.5, seed: 7 };

test('soups that lose what their ensembles gain are said not to be connected', async () => {
  const { facts, texts, result, single } = await reasonsOf(ruined);
  expect(facts.soup?.score).toBe(Math.max(...result.candidates.flatMap(({ score }) => score ?? [])));
  expect(soupLoses(result, single)).toBe((facts.soup?.score as number) < facts.single.score);
  expect(texts.get('result')).toMatch(
    /^the best soup that was evaluated in full, of .* scores [\d.]+ % and the single model [a-e] [\d.]+ % \([−+][\d.]+ points\)$/,
  );
  const gains = (facts.soup?.approxScore as number) > facts.single.score;
  expect(texts.has('not-connected')).toBe(gains && (facts.soup?.score as number) <= facts.single.score);
  expect(texts.has('ensemble-does-not-gain')).toBe(!gains && (facts.soup?.score as number) <= facts.single.score);
});

test('of a linear network, where a soup is its ensemble, only the ensemble can be at fault', async () => {
  const { facts, texts } = await reasonsOf(led);
  expect(facts.medianGap).toBe(0);
  expect(facts.soup?.score as number).toBeLessThan(facts.single.score);
  expect(texts.has('not-connected')).toBe(false);
  expect(texts.get('ensemble-does-not-gain')).toMatch(/another model makes [\d.]+ % of the errors of a too/);
});

test('errors in common and disagreement are what a loop over the samples counts', async () => {
  const { facts, validation } = await reasonsOf(linear);
  const single = facts.single.model;
  const rows = await Promise.all(
    [0, 1, 2, 3].map(async (k) => (await validation.evaluations([Mixture.uniform(4, [k])]))[0]?.correct as Uint8Array),
  );
  let [shared, errors, differing] = [0, 0, 0];
  for (let m = 0; m < 200; m++) {
    for (let k = 0; k < 4; k++) {
      if (rows[single]?.[m] === 0 && k !== single)
        [shared, errors] = [shared + (rows[k]?.[m] === 0 ? 1 : 0), errors + 1];
      for (let j = 0; j < k; j++) differing += rows[k]?.[m] === rows[j]?.[m] ? 0 : 1;
    }
  }
  expect(facts.sharedErrors).toBeCloseTo(shared / errors, 12);
  expect(facts.disagreement).toBeCloseTo(differing / 6 / 200, 12);
});

test('models outside the basin are named with what the soups with and without them lose', async () => {
  const { facts, texts, result } = await reasonsOf(ruined, [4], 20);
  const soups = result.candidates.filter(({ score, mixture }) => score !== undefined && mixture.size > 1);
  const withIt = soups.filter(({ mixture }) => mixture.ingredients.includes(4));
  expect(facts.outside).toEqual([{ model: 4, soups: withIt.length, medianGap: expect.any(Number) }]);
  expect(facts.inside.soups).toBe(soups.length - withIt.length);
  expect(texts.get('outside-basin')).toMatch(
    /^model e may be outside the basin of the others: against their averaged logits, the evaluated soups with it \(\d+\) score [-+][\d.]+ points \(median\), the \d+ without any such model [-+][\d.]+ points$/,
  );
  expect(texts.has('few-evaluations')).toBe(false);
});

test('a model that is ahead of the next is named only where the samples tell', async () => {
  const ahead = await reasonsOf(led);
  expect(ahead.facts.runnerUp?.versus?.pValue).toBeLessThan(0.05);
  expect(ahead.texts.get('one-model-ahead')).toMatch(/ahead of the next best of 3 models, b \(McNemar's p = /);
  const close = await reasonsOf({ ...linear, noise: 0.05 });
  expect(close.facts.runnerUp?.versus?.pValue).toBeGreaterThanOrEqual(0.05);
  expect(close.texts.has('one-model-ahead')).toBe(false);
});

test('too few samples and few evaluations are reasons where they are', async () => {
  const { facts, texts } = await reasonsOf({ ...linear, samples: 20, noise: 0.5 }, [], 1);
  expect(facts.soup?.versus?.pValue).toBeGreaterThanOrEqual(0.05);
  expect(texts.get('cannot-be-told-apart')).toMatch(/^20 samples do not tell the two apart: /);
  expect(texts.get('few-evaluations')).toBe(
    `1 of ${facts.scored} candidates were evaluated; a larger --budget tries more (greedy tries up to 4)`,
  );
});

test('where no soup was evaluated, that is what is said, and cross-entropy claims nothing of counts', async () => {
  const { validation } = await openScorers(await tinyPool(folder, linear));
  const alone = await bestIndividual(validation);
  expect(soupLoses(alone, alone)).toBe(true);
  const facts = await soupFacts(validation, alone, []);
  expect(soupReasons(facts, ids, accuracy)[0]?.text).toMatch(
    /^no soup of two or more models was evaluated; the best single model, b, scores 82\.50 %$/,
  );
  const { facts: measured, texts } = await reasonsOf(linear, [], 3, crossEntropy);
  expect(measured.sharedErrors).toBeUndefined();
  expect([...texts.keys()]).not.toContain('cannot-be-told-apart');
  expect(texts.get('result')).toContain(' nats');
});

test('what a soup owes to each ingredient is the difference without it, of logits and where known of the soup', async () => {
  const pool = await tinyPool(folder, ruined);
  const { validation, evaluated } = await openScorers(pool);
  const greedy = await greedySoup(validation, { budget: 5 });
  const uniform = await uniformSoup(validation);
  const known = new Map([[Mixture.uniform(5, [0, 1, 2, 3]).key, 0.25]]);
  const before = evaluated.length;
  const found = await soupLeaveOneOut(await validation.ensemble(), uniform.best, known);
  expect(evaluated).toHaveLength(before);
  const without = (k: number) =>
    Mixture.uniform(
      5,
      [0, 1, 2, 3, 4].filter((other) => other !== k),
    );
  const approx = await validation.approxScores([0, 1, 2, 3, 4].map(without));
  expect(found.map(({ model }) => model)).toEqual([0, 1, 2, 3, 4]);
  for (const { model, approx: change } of found) {
    expect(change).toBeCloseTo(uniform.best.approxScore - (approx[model] as number), 12);
  }
  expect(found[4]?.real).toBeCloseTo(soupAccuracy(pool, [0, 1, 2, 3, 4], 'validation') - 0.25, 12);
  expect(found[0]).not.toHaveProperty('real');
  const weighted = { mixture: Mixture.of([0.5, 0.25, 0.25, 0, 0]), approxScore: 0.5 };
  const [, , third] = await soupLeaveOneOut(await validation.ensemble(), weighted, new Map());
  const [rest] = await validation.approxScores([Mixture.of([2 / 3, 1 / 3, 0, 0, 0])]);
  expect(third?.approx).toBeCloseTo(0.5 - (rest as number), 12);
  const single = { mixture: Mixture.uniform(5, [1]), approxScore: 0.5 };
  expect(await soupLeaveOneOut(await validation.ensemble(), single, known)).toEqual([]);
  expect(greedy.best.mixture.size).toBeGreaterThan(0);
});

test('values of the ensemble are the real soups’ where the network is linear', async () => {
  const pool = await tinyPool(folder, linear);
  const { validation } = await openScorers(pool);
  const singles = await validation.individualScores();
  const options = { exactUpTo: 24, seconds: 1, seed: 0, samplePairs: true, candidates: [] };
  const { all, leaveOneOut } = await explainEnsemble(await validation.ensemble(), singles, options);
  expect(all).toBe(soupAccuracy(pool, [0, 1, 2, 3], 'validation'));
  expect(leaveOneOut[0]).toBeCloseTo(all - soupAccuracy(pool, [1, 2, 3], 'validation'), 12);
});
