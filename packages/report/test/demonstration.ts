import { Random } from '@radin/core';
import type { Cell, Chart, Page, Table } from '../src/index.js';

const METHODS = ['Greedy soup', 'RADIN', 'RADIN, adaptive', 'Best individual'];

/** A page with one of everything, as large as asked for. Its figures are made up: they are there to be looked at. */
export function demonstration({ models, candidates }: { models: number; candidates: number }): Page {
  const random = new Random(7);
  const uniform = () => random.uint32() / 2 ** 32;
  const names = Array.from({ length: models }, (_, index) => {
    const rate = ['1e-5', '3e-5', '1e-4'][index % 3];
    return `${String(index + 1).padStart(2, '0')}-vit-b32-lr${rate}-wd0.1-mixup0.${index % 9}-seed${index}`;
  });
  const curve = budgetCurve();
  const cloud = candidateCloud(names, candidates, uniform);
  return {
    title: 'Thirteen models, one soup',
    subtitle: `${models} fine-tuned models, 10,000 validation samples, accuracy. Made-up figures that show what a report looks like.`,
    sections: [
      {
        id: 'answer',
        title: 'The answer',
        blocks: [
          {
            kind: 'facts',
            facts: [
              {
                label: 'Accuracy of the soup',
                value: '81.34\u00a0%',
                note: 'validation; 95 % interval 80.57 to 82.09',
              },
              { label: 'Gain over the best model', value: '+1.27', note: 'points; p = 0.0004, paired' },
              { label: 'Evaluations', value: '25', note: `of ${candidates.toLocaleString('en-GB')} candidates scored` },
              { label: 'Ingredients', value: '6', note: `of ${models} models, equal weights` },
            ],
          },
          {
            kind: 'text',
            text: 'The soup of six models beats the best single model on samples that neither was chosen by. Its gain is larger than what choosing the best of 25 would give by luck alone.\n\nEvery figure below can be read as a table: open «Data» under a chart.',
          },
        ],
      },
      { id: 'budget', title: 'What a budget buys', blocks: [{ kind: 'chart', chart: curve }] },
      {
        id: 'candidates',
        title: 'Candidates',
        blocks: [
          {
            kind: 'text',
            text: 'Stage 1 ranks by the ensemble, stage 2 evaluates the soup itself. Points above the line are soups that do better than their ensemble.',
          },
          { kind: 'chart', chart: cloud },
        ],
      },
      {
        id: 'models',
        title: 'What each model is worth',
        blocks: [
          { kind: 'chart', chart: worth(names.slice(0, 13), uniform) },
          { kind: 'chart', chart: pairs(names.slice(0, 8), uniform) },
          { kind: 'chart', chart: panels(uniform) },
        ],
      },
      { id: 'methods', title: 'Methods compared', blocks: [{ kind: 'table', table: methods() }] },
    ],
  };
}

function budgetCurve(): Chart {
  const budgets = [1, 2, 3, 5, 10, 15, 25];
  const height = [0.8007, 0.8041, 0.8062, 0.8007];
  const rise = [0.0031, 0.0022, 0.0021, 0];
  const rows = METHODS.flatMap((method, index) =>
    budgets.map((budget): Cell[] => {
      const score = (height[index] as number) + (rise[index] as number) * Math.log(budget);
      return [method, budget, score, score - 0.0038, score + 0.0038, `model-a\nmodel-${budget}`];
    }),
  );
  const data: Table = {
    id: 'budget-curve',
    title: 'Accuracy by budget',
    columns: [
      { name: 'method', title: 'Method', format: 'text' },
      { name: 'budget', title: 'Evaluations', format: 'integer' },
      { name: 'score', title: 'Validation accuracy', format: 'percent' },
      { name: 'low', title: 'from', format: 'percent' },
      { name: 'high', title: 'to', format: 'percent' },
      { name: 'models', title: 'Models', format: 'text' },
    ],
    rows,
  };
  return {
    id: 'budget-curve',
    title: 'Accuracy by number of evaluations',
    description:
      'Validation accuracy of the best soup found within a budget, with 95 % intervals. RADIN has after one evaluation what greedy has after three; the adaptive search stays ahead of both up to 25.',
    spec: {
      encoding: {
        x: { field: 'budget', type: 'quantitative', scale: { type: 'log', nice: false }, axis: { values: budgets } },
        color: { field: 'method', type: 'nominal', sort: METHODS, title: null },
      },
      layer: [
        {
          mark: { type: 'errorband', opacity: 0.12 },
          encoding: {
            y: {
              field: 'low',
              type: 'quantitative',
              scale: { zero: false },
              title: 'Validation accuracy',
              axis: { format: '.1%' },
            },
            y2: { field: 'high' },
          },
        },
        {
          mark: { type: 'line', point: { size: 60, filled: true } },
          encoding: { y: { field: 'score', type: 'quantitative' } },
        },
      ],
    },
    data,
    details: 'models',
  };
}

function candidateCloud(names: readonly string[], count: number, uniform: () => number): Chart {
  const rows = Array.from({ length: count }, (_, index): Cell[] => {
    const share = 0.1 + 0.8 * uniform();
    const members = names.filter(() => uniform() < share);
    const approx = 0.795 + 0.03 * uniform() + 0.004 * share;
    const real = index < 25 + count / 8 ? approx - 0.004 + 0.012 * (uniform() - 0.5) : null;
    return [index + 1, members.length, approx, real, real === null ? 'scored' : 'evaluated', members.join('\n')];
  });
  return {
    id: 'candidates',
    title: 'Approximate and real accuracy',
    description: `The real accuracy of the soups that were evaluated against the accuracy of their ensembles; ${count} candidates were scored. The two rise together, with a rank correlation of 0.81.`,
    spec: {
      mark: { type: 'point' },
      encoding: {
        x: { field: 'approx.score', type: 'quantitative', scale: { zero: false }, axis: { format: '.1%' } },
        y: { field: 'real', type: 'quantitative', scale: { zero: false }, axis: { format: '.1%' } },
        color: { field: 'size', type: 'quantitative' },
      },
    },
    data: {
      id: 'candidates-data',
      title: 'Candidates',
      columns: [
        { name: 'rank', title: 'Rank', format: 'integer' },
        { name: 'size', title: 'Models', format: 'integer' },
        { name: 'approx.score', title: 'Approximate accuracy', format: 'percent' },
        { name: 'real', title: 'Real accuracy', format: 'percent' },
        { name: 'state', title: 'State', format: 'text' },
        { name: 'models', title: 'Ingredients', format: 'text' },
      ],
      rows,
    },
    details: 'models',
  };
}

function worth(names: readonly string[], uniform: () => number): Chart {
  const rows = names.map((name): Cell[] => {
    const value = 0.004 * (uniform() - 0.35);
    return [name, value, value > 0 ? 'helps' : 'harms', 10 ** (-9 * uniform())];
  });
  return {
    id: 'worth',
    title: 'Contribution to the ensemble',
    description:
      'Shapley value of each model for the accuracy of the ensemble, in percentage points. Two models harm it.',
    spec: {
      mark: { type: 'bar' },
      encoding: {
        y: { field: 'model', type: 'nominal', sort: '-x', title: null },
        x: {
          field: 'worth',
          type: 'quantitative',
          title: 'Shapley value, points',
          axis: { labelExpr: "format(100 * datum.value, '+.2f')" },
        },
        color: { field: 'sign', type: 'nominal', title: null, sort: ['helps', 'harms'] },
      },
    },
    data: {
      id: 'worth',
      title: 'Contribution to the ensemble',
      columns: [
        { name: 'model', title: 'Model', format: 'text' },
        { name: 'worth', title: 'Shapley value, points', format: 'points' },
        { name: 'sign', title: 'Effect', format: 'text' },
        { name: 'p', title: 'p', format: 'p-value' },
      ],
      rows,
    },
    details: 'model',
  };
}

function pairs(names: readonly string[], uniform: () => number): Chart {
  const rows = names.flatMap((first) => names.map((second): Cell[] => [first, second, 0.02 * uniform()]));
  return {
    id: 'pairs',
    title: 'Disagreement of pairs',
    description:
      'Share of samples on which two models differ; more is darker on light ground. All pairs differ on less than 2 % of samples.',
    spec: {
      mark: { type: 'rect' },
      encoding: {
        x: { field: 'first', type: 'nominal', title: null, axis: { labelAngle: -40 } },
        y: { field: 'second', type: 'nominal', title: null },
        color: { field: 'share', type: 'quantitative', legend: { format: '.1%' } },
      },
    },
    data: {
      id: 'pairs',
      title: 'Disagreement of pairs',
      columns: [
        { name: 'first', title: 'Model', format: 'text' },
        { name: 'second', title: 'Other model', format: 'text' },
        { name: 'share', title: 'Differ on', format: 'percent' },
      ],
      rows,
    },
  };
}

function panels(uniform: () => number): Chart {
  const rows = ['Healthy 13', 'Outlier 14', 'Mixers 36', 'Diverged 18'].flatMap((pool) =>
    [1, 5, 25].flatMap((budget) =>
      METHODS.slice(0, 3).map((method): Cell[] => [pool, method, budget, 0.9 + 0.05 * uniform()]),
    ),
  );
  return {
    id: 'pools',
    title: 'Four pools',
    description: 'Test accuracy on four pools at budgets of 1, 5 and 25 evaluations, by method.',
    spec: {
      columns: 2,
      facet: { field: 'pool', type: 'nominal', title: null },
      spec: {
        width: 320,
        height: 180,
        mark: { type: 'line', point: true },
        encoding: {
          x: { field: 'budget', type: 'ordinal', axis: { labelAngle: 0 } },
          y: { field: 'score', type: 'quantitative', scale: { zero: false }, axis: { format: '.0%' } },
          color: { field: 'method', type: 'nominal', title: null },
        },
      },
    },
    data: {
      id: 'pools',
      title: 'Four pools',
      columns: [
        { name: 'pool', title: 'Pool', format: 'text' },
        { name: 'method', title: 'Method', format: 'text' },
        { name: 'budget', title: 'Evaluations', format: 'integer' },
        { name: 'score', title: 'Test accuracy', format: 'percent' },
      ],
      rows,
    },
  };
}

function methods(): Table {
  const rows = METHODS.flatMap((method, index) =>
    [1, 5, 25].map((budget): Cell[] => {
      const gain = index === 3 ? 0 : 0.004 * index + 0.002 * Math.log(budget);
      return [
        method,
        budget,
        0.8007 + gain,
        0.7991 + gain,
        gain,
        index === 3 ? null : 10 ** (-budget / 3),
        budget === 25,
      ];
    }),
  );
  return {
    id: 'methods',
    title: 'Every method at every budget',
    columns: [
      { name: 'method', title: 'Method', format: 'text' },
      { name: 'budget', title: 'Budget', format: 'integer' },
      { name: 'val', title: 'Validation', format: 'percent' },
      { name: 'test', title: 'Test', format: 'percent' },
      { name: 'gain', title: 'Gain, points', format: 'points' },
      { name: 'p', title: 'p', format: 'p-value' },
      { name: 'complete', title: 'Complete', format: 'text' },
    ],
    rows,
    note: 'Gains are over the best individual model; p is of the exact sign test on paired samples.',
  };
}
