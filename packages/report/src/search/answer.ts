import { pValueText, type SearchReport, SOUP_FILE } from '@radin/core';
import { capital, counted, table, text, titled } from '../blocks.js';
import type { Block, Fact, Table } from '../page.js';
import { factsNote, gainFact, type Scores, scoreFact } from '../scores.js';

/** The answer in a line: the pool, the soup, its score. */
export function answerTitle({ pool, best, interrupted }: SearchReport, scores: Scores): string {
  const [only] = best.models;
  const found =
    best.models.length > 1
      ? `a soup of ${best.models.length} of ${counted(pool.models, 'model')}`
      : pool.models === 1
        ? 'one model'
        : `no soup beats the single model ${only}`;
  const score = `${scores.text(best.valScore ?? best.approxScore)} on validation`;
  return titled(pool.name, `${found}, ${score}${interrupted ? ' (interrupted)' : ''}`);
}

/** The choice, what it gains over the best single model, and everything that qualifies it. */
export function answer(report: SearchReport, scores: Scores): Block[] {
  return [
    ...text(headline(report, scores)),
    ...text(
      report.interrupted &&
        'The run was interrupted: this is the best that was known by then, and nothing was measured on the test split after that.',
    ),
    { kind: 'facts', facts: facts(report, scores), note: factsNote(report.statistics?.confidence) },
    table(ingredients(report, scores)),
    ...(report.reasons ?? []).flatMap(({ text: reason }, at) =>
      text(at === 0 && 'Why no soup wins:', `${capital(reason)}.`),
    ),
    ...report.notices.flatMap((notice) => text(`Note: ${notice}.`)),
  ];
}

function headline(
  { best, bestIndividual, pool, soupFile = SOUP_FILE }: SearchReport,
  { text: score, gain }: Scores,
): string {
  const single = bestIndividual.models[0];
  const written = `It is in ${soupFile}, beside result.json.`;
  const [ours, theirs] = [best.valScore, bestIndividual.valScore];
  if (pool.models === 1) return `The pool has one model, ${single}. ${written}`;
  if (best.models.length === 1) {
    return `No soup that was evaluated beats the best single model, ${single}, which scores ${score(theirs ?? bestIndividual.approxScore)} on the validation samples. ${written}`;
  }
  const difference =
    ours === undefined || theirs === undefined
      ? ''
      : `, ${gain(ours - theirs)} against the best single model, ${single}`;
  return `The soup of ${best.models.length} of ${counted(pool.models, 'model')} scores ${score(ours ?? best.approxScore)} on the validation samples${difference}. ${written}`;
}

function facts(report: SearchReport, scores: Scores): Fact[] {
  const { best, bestIndividual, statistics, holdout, greedy, evaluations, passes, scored } = report;
  const score = (label: string, value: number | undefined, interval?: Parameters<typeof scoreFact>[2]): Fact[] =>
    value === undefined ? [] : [scoreFact(label, value, interval, scores)];
  const gain = (split: string, key: 'valScore' | 'testScore', versus: Parameters<typeof gainFact>[2]): Fact[] => {
    const [ours, theirs] = [best[key], bestIndividual[key]];
    return ours === undefined || theirs === undefined || best.models.length === 1
      ? []
      : [gainFact(split, ours - theirs, versus, scores)];
  };
  const isSoup = best.models.length > 1;
  const what = isSoup ? 'Soup' : 'Best model';
  return [
    ...score(`${what}, validation`, best.valScore, statistics?.validation.interval),
    ...gain('validation', 'valScore', statistics?.validation.versusBestIndividual),
    ...score(`${what}, test`, best.testScore, statistics?.test?.interval),
    ...gain('test', 'testScore', statistics?.test?.versusBestIndividual),
    ...(holdout === undefined
      ? []
      : [
          ...score(`${what}, held out`, holdout.score, holdout.interval),
          ...(isSoup
            ? [gainFact('held out', holdout.score - holdout.bestIndividualScore, holdout.versusBestIndividual, scores)]
            : []),
        ]),
    ...(isSoup ? [averaged(best, scores)] : []),
    ...batchNorm(report, scores),
    { label: 'Models', value: `${best.models.length} of ${report.pool.models}`, note: 'in the soup' },
    ...(statistics === undefined || evaluations === 0
      ? []
      : [
          {
            label: 'Winner’s curse',
            value: scores.gainParts(statistics.winnersCurse).value,
            note: `${scores.gainParts(0).unit}, expected excess of its validation score`,
          },
        ]),
    ...(greedy === undefined ? [] : greedyFacts(greedy, best, scores)),
    {
      label: 'Evaluations',
      value: evaluations.toLocaleString('en'),
      note: `of ${counted(scored, 'candidate')}; cost: ${counted(Number(passes.toFixed(1)), 'full pass', 'full passes')}`,
    },
  ];
}

function batchNorm({ batchNorm: found }: SearchReport, scores: Scores): Fact[] {
  if (found?.averagedScore === undefined) return [];
  const note = `validation; it has those of ${counted(found.layers, 'layer')} from ${counted(found.samples, 'sample')}`;
  return [{ label: 'With averaged BatchNorm statistics', value: scores.text(found.averagedScore), note }];
}

function averaged({ approxScore, models }: SearchReport['best'], { scoreParts }: Scores): Fact {
  const { value, unit } = scoreParts(approxScore);
  const what = `validation, at the cost of running ${models.length} models`;
  return { label: 'Averaged logits', value, note: unit === '' ? what : `${unit}; ${what}` };
}

function greedyFacts(
  { valScore, testScore, validation, test, evaluations }: NonNullable<SearchReport['greedy']>,
  best: SearchReport['best'],
  scores: Scores,
): Fact[] {
  const fact = (
    label: string,
    ours: number | undefined,
    theirs: number | undefined,
    versus: typeof validation,
  ): Fact[] =>
    ours === undefined || theirs === undefined
      ? []
      : [
          {
            label,
            value: scores.gainParts(ours - theirs).value,
            note: `${scores.gainParts(0).unit}${versus ? `, ${pValueText(versus.pValue)}` : ''}; greedy took ${counted(evaluations, 'evaluation')}`,
          },
        ];
  return [
    ...fact('Over greedy, validation', best.valScore, valScore, validation),
    ...fact('Over greedy, test', best.testScore, testScore, test),
  ];
}

/** The soup's models: weights, scores alone and what each adds to the soup. */
function ingredients({ best, models, explanation }: SearchReport, scores: Scores): Table {
  const alone = new Map(models.map(({ model, valScore }) => [model, valScore]));
  const values = new Map((explanation?.ingredients ?? []).map((one) => [one.model, one]));
  // Few of the soups without one of the models are evaluated, and in full, unless they are among the best themselves.
  const isKnown = best.models.filter((one) => values.get(one)?.valScore !== undefined).length >= best.models.length / 2;
  return {
    id: 'search-soup',
    title: 'The soup',
    columns: [
      { name: 'model', title: 'Model', format: 'text' },
      { name: 'weight', title: 'Weight', format: 'number' },
      scores.column('valScore', 'Alone, validation'),
      ...(values.size > 0 ? [scores.gainColumn('approxValue', 'Adds to the ensemble')] : []),
      ...(isKnown ? [scores.gainColumn('value', 'Adds to the soup')] : []),
    ],
    rows: best.models.map((model, at) => [
      model,
      best.weights[at] ?? null,
      alone.get(model) ?? null,
      ...(values.size > 0 ? [values.get(model)?.approxScore ?? null] : []),
      ...(isKnown ? [values.get(model)?.valScore ?? null] : []),
    ]),
    ...(values.size > 0 && {
      note: `What a model adds to the ensemble is the validation score of the averaged logits with it minus that without it, the other weights in proportion${isKnown ? '; to the soup, the same of soups, where that without it was evaluated in full' : ''}.`,
    }),
  };
}
