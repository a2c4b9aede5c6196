import { describe, expect, test } from 'vitest';
import {
  checkSamplers,
  exhaustive,
  monteCarlo,
  type ProposalOptions,
  proposeCandidates,
  SAMPLERS,
  type Sampler,
} from '../../src/sampler/index.js';
import { refused } from '../pools.js';
import { drawPool, everyMixture, withContext } from './ensembles.js';

const options: ProposalOptions = { samplers: [monteCarlo], candidates: 20, seed: 1, includeUniform: true };
const isWhole = (size: number) => (mixture: { size: number }) => mixture.size === size;
const named = (name: string): Sampler => SAMPLERS.find((sampler) => sampler.name === name) as Sampler;

/** The candidates for a pool of so many models. */
function propose(models: number, asked: ProposalOptions, signal?: AbortSignal) {
  const pool = drawPool({ models, samples: 40, classes: 3, seed: models });
  return withContext(pool, {}, ({ ensemble }) => proposeCandidates(models, asked, ensemble, signal));
}

describe.each([monteCarlo, exhaustive, named('forward')])('candidates of the sampler $name', (sampler) => {
  const alone = { ...options, samplers: [sampler] };

  test.each([2, 3, 6, 9])('of %d models have the uniform soup exactly once where it is asked for', async (size) => {
    const { mixtures } = await propose(size, alone);
    expect(mixtures.filter(isWhole(size))).toHaveLength(1);
    expect(new Set(mixtures.map(({ key }) => key)).size).toBe(mixtures.length);
  });

  test.each([3, 6, 9])('of %d models have it not where it is left out, and are else the same', async (size) => {
    const { mixtures } = await propose(size, { ...alone, includeUniform: false });
    expect(mixtures.filter(isWhole(size))).toHaveLength(0);
    const included = (await propose(size, alone)).mixtures.filter(({ size: n }) => n < size);
    expect(mixtures).toEqual(included);
  });

  test('are the same for the same seed', async () => {
    const keys = async (seed: number) => (await propose(9, { ...alone, seed })).mixtures.map(({ key }) => key);
    expect(await keys(3)).toEqual(await keys(3));
    if (sampler === monteCarlo) expect(await keys(3)).not.toEqual(await keys(4));
  });

  test('of one model are that model', async () => {
    const { mixtures } = await propose(1, alone);
    expect(mixtures.map(({ weights }) => [...weights])).toEqual([[1]]);
  });
});

test('the paper’s candidates are those of its sampler and nothing else', async () => {
  expect((await propose(9, options)).mixtures).toHaveLength(21);
  expect((await propose(9, { ...options, includeUniform: false })).mixtures).toHaveLength(20);
  // The first five as the generator of this seed gives them, whatever other samplers do.
  const { mixtures } = await propose(9, { ...options, samplers: [monteCarlo] });
  expect(mixtures.slice(0, 5).map(({ ingredients }) => ingredients.join(''))).toMatchInlineSnapshot(`
    [
      "034",
      "678",
      "01234578",
      "01234678",
      "0357",
    ]
  `);
});

test('other samplers come with all single models and small sets, and with the paper’s candidates unchanged', async () => {
  const paper = (await propose(9, options)).mixtures;
  const { mixtures } = await propose(9, { ...options, samplers: [named('convex'), monteCarlo, named('top-k')] });
  const keys = new Set(mixtures.map(({ key }) => key));
  expect(keys.size).toBe(mixtures.length);
  for (const { key } of paper) expect(keys).toContain(key);
  for (const { key, size } of everyMixture(9)) if (size === 1) expect(keys).toContain(key);
  expect(mixtures.some(({ uniform }) => !uniform)).toBe(true);
  expect(mixtures.length).toBeGreaterThan(255);
});

test('naming a sampler twice changes nothing', async () => {
  const keys = async (samplers: readonly Sampler[]) =>
    (await propose(7, { ...options, samplers })).mixtures.map(({ key }) => key);
  const forward = named('forward');
  expect(await keys([forward, forward, named('small-sets')])).toEqual(await keys([forward]));
});

test('a notice says that fewer subsets exist than were asked for, and nothing where enough do', async () => {
  expect((await propose(4, options)).notices).toEqual([
    expect.stringMatching(/^20 .* pool of 4 has 10 subsets .* all are taken$/),
  ]);
  expect((await propose(4, { ...options, candidates: 10 })).notices).toEqual([]);
  expect((await propose(9, options)).notices).toEqual([]);
  expect((await propose(4, { ...options, samplers: [exhaustive] })).notices).toEqual([]);
});

test('notices carry the certificates', async () => {
  const samplers = [named('convex'), named('branch-and-bound')];
  expect((await propose(6, { ...options, samplers })).notices).toEqual([
    expect.stringMatching(
      /^convex: cross-entropy \d+\.\d{6} of \d weighted models, at most \d\.\de-\d+ above that of any/,
    ),
    expect.stringMatching(
      /^branch-and-bound: the best subset found, of \d models, has accuracy .*proven that none is better$/,
    ),
  ]);
});

test('no candidate at all is an error that says why, also before anything is computed', async () => {
  for (const size of [1, 2]) {
    const none = { ...options, includeUniform: false };
    const error = refused(
      'CONFIG',
      new RegExp(`pool of ${size} has no subset of 2 to N − 1 models, and the uniform soup is left out`),
    );
    await expect(propose(size, none)).rejects.toEqual(error);
    expect(() => checkSamplers(size, none)).toThrow(error);
  }
  checkSamplers(2, { ...options, includeUniform: false, samplers: [named('forward')] });
  checkSamplers(2, { ...options, includeUniform: false, samplers: [monteCarlo, exhaustive] });
  expect(() => checkSamplers(17, { ...options, samplers: [named('beam'), exhaustive] })).toThrow(
    refused('CONFIG', /at most 24 models .* found 17/),
  );
});

test('an aborted proposal rejects with the reason', async () => {
  const reason = new Error('enough');
  await expect(propose(9, options, AbortSignal.abort(reason))).rejects.toBe(reason);
});
