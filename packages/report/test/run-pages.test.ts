import type { SearchReport } from '@radin/core';
import { describe, expect, it } from 'vitest';
import { chartsOf, checkPage, tablesOf } from '../src/check-page.js';
import { comparisonPage } from '../src/comparison-page.js';
import { searchSchema } from '../src/document-schema.js';
import type { Cell, Page } from '../src/page.js';
import { clusterOrder } from '../src/pool/cluster-order.js';
import { DOCUMENT_KINDS } from '../src/run-documents.js';
import { runPage } from '../src/run-page.js';
import { searchPage } from '../src/search-page.js';
import { comparisonDocument, HOSTILE, searchDocument } from './documents.js';

/** Rows of a table as records. */
function rowsOf(page: Page, id: string): Record<string, Cell>[] {
  const table = tablesOf(page).find((one) => one.id === id);
  if (table === undefined) throw new Error(`no table ${id}`);
  return table.rows.map((row) => Object.fromEntries(table.columns.map(({ name }, at) => [name, row[at] ?? null])));
}

function ids(page: Page): string[] {
  return tablesOf(page).map(({ id }) => id);
}

function saidIn(page: Page): string {
  return page.sections
    .flatMap(({ blocks }) => blocks.flatMap((block) => (block.kind === 'text' ? [block.text] : [])))
    .join('\n');
}

describe('the page of a search', () => {
  const document = searchDocument(13);
  const page = searchPage(document);

  it('begins with the answer: the gains with their tests, and the soup with its weights', () => {
    const [first] = page.sections;
    const facts = first?.blocks.flatMap((block) => (block.kind === 'facts' ? block.facts : [])) ?? [];
    const fact = (label: string) => facts.find((one) => one.label === label);
    expect(fact('Soup, validation')).toEqual({
      label: 'Soup, validation',
      value: '85.40\u00a0%',
      note: '80.00 to 90.00\u00a0%',
    });
    expect(fact('Gain, validation')?.value).toBe('+3.10');
    expect(fact('Gain, validation')?.note).toBe('+1.10 to +5.20 points, p\u00a0=\u00a00.012');
    expect(fact('Gain, test')?.value).toBe('+3.00');
    expect(fact('Winner’s curse')?.value).toBe('+0.41');
    expect(rowsOf(page, 'search-soup').map(({ model, weight }) => [model, weight])).toEqual(
      document.best.models.map((model, at) => [model, document.best.weights[at]]),
    );
    expect(saidIn(page)).toContain('all are taken');
    expect(saidIn(page)).toContain('It is in soup.safetensors, beside result.json.');
    const inShards = searchPage({ ...document, soupFile: 'soup.safetensors.index.json' });
    expect(saidIn(inShards)).toContain('It is in soup.safetensors.index.json, beside result.json.');
  });

  it('draws the figures of the document, whole', () => {
    const curve = rowsOf(page, 'search-budget-curve').filter(({ measure }) => measure === 'evaluations');
    expect(curve.map(({ cost, valScore, models }) => [cost, valScore, models])).toEqual([
      ...(document.curve ?? []).map(({ evaluations, valScore, models }) => [evaluations, valScore, models.join('\n')]),
      [10, document.curve?.at(-1)?.valScore, document.curve?.at(-1)?.models.join('\n')],
    ]);
    expect(
      rowsOf(page, 'search-ranks').map(({ rank, approxScore, score, known }) => [rank, approxScore, score, known]),
    ).toEqual(
      document.candidates
        .slice(0, 10)
        .map(({ rank, approxScore, valScore, valScoreAtMost }) => [
          rank,
          approxScore,
          valScore ?? valScoreAtMost,
          valScore === undefined ? 'stopped early: scores this at most' : 'in full',
        ]),
    );
    expect(rowsOf(page, 'search-models').map(({ model, valScore }) => [model, valScore])).toEqual(
      document.models.toSorted((a, b) => b.valScore - a.valScore).map(({ model, valScore }) => [model, valScore]),
    );
    expect(rowsOf(page, 'search-values').map(({ shapley, leaveOneOut }) => [shapley, leaveOneOut])).toEqual(
      document.explanation?.models.map(({ shapley, leaveOneOut }) => [shapley, leaveOneOut]),
    );
    const counts = document.disagreement?.counts ?? [];
    for (const { share, models } of rowsOf(page, 'search-disagreement')) {
      const [i, j] = String(models)
        .split('\n')
        .map((name) => document.models.findIndex(({ model }) => model === name));
      if (i !== undefined && j !== undefined) expect(share).toBe((counts[Math.max(i, j)]?.[Math.min(i, j)] ?? 0) / 500);
    }
    expect(rowsOf(page, 'search-disagreement')).toHaveLength(13 * 12);
  });

  it('keeps a name with line ends one name in every list', () => {
    const name = (model: string) => (model === 'model-0' ? 'model\n0 \\n' : model);
    const renamed = JSON.parse(JSON.stringify(document), (_, value) =>
      typeof value === 'string' ? name(value) : value,
    );
    const soups = rowsOf(runPage([renamed], DOCUMENT_KINDS), 'search-budget-curve');
    expect(soups.map(({ models }) => String(models).split('\n').length)).toEqual(soups.map(({ size }) => size));
    expect(JSON.stringify(soups)).toContain('model\u24240 \\\\n');
  });

  it('says the pool and the answer in its title', () => {
    const named = (changes: Partial<SearchReport>) =>
      searchPage(searchDocument(13, { pool: { ...document.pool, name: 'digits' }, ...changes })).title;
    expect(named({})).toBe('digits: a soup of 3 of 13 models, 85.40\u00a0% on validation');
    expect(page.title).toBe('A soup of 3 of 13 models, 85.40\u00a0% on validation');
    expect(named({ best: document.bestIndividual, interrupted: true })).toBe(
      'digits: no soup beats the single model model-0, 82.30\u00a0% on validation (interrupted)',
    );
  });

  it('gives the outliers the edge of the axis and the others its length', () => {
    const scores = [0.04, 0.37, ...Array.from({ length: 14 }, (_, k) => 0.85 + k / 400)];
    const models = scores.map((valScore, k) => ({ model: `conv-${'x'.repeat(40)}-${k}`, valScore }));
    const names = models.map(({ model }) => model);
    const soup = { ...document.best, models: names.slice(3, 5), weights: [0.5, 0.5] };
    const one = searchPage(searchDocument(16, { models, best: soup, disagreement: { samples: 10, counts: [[]] } }));
    const alone = chartsOf(one).find(({ id }) => id === 'search-models');
    expect(alone?.description).toContain('2 models far below the others are drawn at the edge');
    const spec = JSON.stringify(alone?.spec);
    expect(spec).toContain('"clamp":true');
    // What all names begin with is left out of labels, by numbers and not by names.
    expect(spec).toContain(`slice(datum.label, ${'conv-'.length + 41}, `);
  });

  it('leaves names as they are, wherever they stand', () => {
    const shown = JSON.stringify(rowsOf(page, 'search-models'));
    for (const name of HOSTILE) expect(shown).toContain(JSON.stringify(name).slice(1, -1));
  });

  it.each([1, 2, 3, 200])(
    'is well made for a pool of %d, and says in a sentence what is too little to draw',
    (size) => {
      const one = searchPage(searchDocument(size));
      checkPage(one);
      for (const { description, data } of chartsOf(one)) {
        expect(data.rows.length).toBeGreaterThanOrEqual(3);
        expect(description).not.toMatch(/NaN|undefined|Infinity/);
      }
      expect(saidIn(one)).not.toMatch(/NaN|undefined/);
      expect(ids(one).includes('search-models')).toBe(size >= 3);
    },
  );

  it('shows 200 models in at most 40 groups, each of neighbours, with every model in one of them', () => {
    const large = searchPage(searchDocument(200));
    const cells = rowsOf(large, 'search-disagreement');
    expect(cells).toHaveLength(40 * 40);
    const diagonal = cells
      .filter(({ first, second }) => first === second)
      .flatMap(({ models }) => String(models).split('\n'));
    expect(new Set(diagonal).size).toBe(200);
    expect(diagonal).toHaveLength(200);
  });

  it('says what was interrupted, where no curve is known, and why no soup wins', () => {
    const { curve: _, ...raced } = searchDocument(5, {
      interrupted: true,
      reasons: [{ reason: 'result', text: 'the best soup loses' }],
    });
    const one = searchPage(raced);
    expect(one.title).toContain('interrupted');
    expect(saidIn(one)).toContain('The run was interrupted');
    expect(saidIn(one)).toContain('no choice after fewer evaluations');
    expect(saidIn(one)).toContain('The best soup loses.');
    expect(ids(one)).not.toContain('search-budget-curve');
  });

  it('draws no more candidates than can be drawn', () => {
    const [first] = searchDocument(13).candidates;
    const candidates = Array.from({ length: 50_000 }, (_, at) => ({
      ...(first as NonNullable<typeof first>),
      models: at % 2 === 0 ? ['a', 'b'] : ['a', 'b', 'c'],
      rank: at + 1,
    }));
    const one = searchPage(searchDocument(13, { candidates, evaluations: 50_000, scored: 50_000 }));
    for (const { data } of chartsOf(one)) expect(data.rows.length).toBeLessThanOrEqual(4000);
    const ranks = chartsOf(one).find(({ id }) => id === 'search-ranks');
    expect(ranks?.description).toContain('the first 2,000 evaluated soups');
  });

  it('shows nats as nats', () => {
    const one = searchPage(searchDocument(5, { metric: 'cross-entropy' }));
    expect(JSON.stringify(one)).not.toContain('"percent","');
    expect(
      tablesOf(one)
        .find(({ id }) => id === 'search-models')
        ?.columns.find(({ name }) => name === 'valScore')?.format,
    ).toBe('number');
  });
});

describe('the page of a comparison', () => {
  const document = comparisonDocument(13);
  const page = comparisonPage(document);

  it('has a table for each budget with the scores, tests and marks of the rows', () => {
    for (const budget of document.budgets) {
      const rows = document.rows.filter((row) => row.budget === budget);
      expect(
        rowsOf(page, `comparison-table-${budget}`).map(({ valScore, testScore, pIndividual, marks }) => [
          valScore,
          testScore,
          pIndividual,
          marks,
        ]),
      ).toEqual(rows.map(({ valScore, testScore }) => [valScore, testScore, 0.0123, 'i']));
    }
  });

  it('has greedy’s steps and what greedy would choose after each', () => {
    const trace = document.rows.filter(({ method }) => method === 'greedy').at(-1)?.trace ?? [];
    expect(
      rowsOf(page, 'comparison-greedy').map(({ model, valScore, kept }) => [model, valScore, kept === 'yes']),
    ).toEqual(trace.map(({ model, valScore, kept }) => [model, valScore, kept]));
    const greedy = rowsOf(page, 'comparison-budget-curves').filter(({ method }) => method === 'greedy soup');
    expect(greedy.map(({ evaluations }) => evaluations)).toEqual([1, 3, 5, 7, 9, 10]);
    expect(greedy[1]?.models).toBe([trace[0]?.model, trace[2]?.model].join('\n'));
  });

  it('shares a page with a search, each id once', () => {
    const both = runPage([searchDocument(13), document], DOCUMENT_KINDS);
    checkPage(both);
    expect(both.sections).toHaveLength(8);
  });
});

describe('the order of a heat map', () => {
  it('is a permutation in which items of a cluster stand together', () => {
    const cluster = [0, 1, 0, 2, 1, 0, 2];
    const order = clusterOrder(7, (i, j) => (i === j ? 0 : cluster[i] === cluster[j] ? 0.1 : 1));
    expect([...order].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(order.map((k) => cluster[k])).toEqual([0, 0, 0, 1, 1, 2, 2]);
    expect(clusterOrder(1, () => 0)).toEqual([0]);
  });
});

describe('scores of other units', () => {
  const read = (unit: string, negated: boolean, task?: 'regression' | 'token-classification') => {
    const document = searchDocument(5);
    const flip = (score: number) => (negated ? score - 2 : score);
    const candidates = document.candidates.map(({ valScore, ...one }) => ({
      ...one,
      approxScore: flip(one.approxScore),
      ...(valScore !== undefined && { valScore: flip(valScore) }),
    }));
    const { statistics: _, disagreement: __, ...rest } = document;
    const written = searchSchema.parse({
      ...rest,
      metric: 'own',
      scoring: { unit, negated },
      candidates,
      pool: { ...document.pool, ...(task && { task }) },
    });
    return searchPage(written);
  };

  it('are drawn and tabulated as numbers with their unit, and negated ones say so', () => {
    const page = read('m²', true, 'regression');
    checkPage(page);
    expect(page.subtitle).toMatch(/outputs; own \(negated\); /);
    expect(JSON.stringify(page)).toContain('0.8540 m²'.replace(' ', '\u00a0'));
    expect(chartsOf(page).some((chart) => JSON.stringify(chart).includes('(m²)'))).toBe(true);
  });

  it('are refused where nothing tells how to read them', () => {
    const { success, error } = searchSchema.safeParse({ ...searchDocument(2), metric: 'own' });
    expect(success).toBe(false);
    expect(error?.issues[0]?.path).toEqual(['metric']);
  });

  it('are percentages where the unit is a fraction, and plain numbers where there is none', () => {
    expect(read('fraction', false, 'token-classification').subtitle).toMatch(/validation tokens, .*; own; /);
    expect(JSON.stringify(read('fraction', false))).toContain('85.40\u00a0%');
    expect(JSON.stringify(read('', false))).not.toMatch(/\(\)|undefined/);
  });
});
