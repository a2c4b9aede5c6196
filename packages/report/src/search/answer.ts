import type { SearchReport } from '@radin/core';
import { counted, table, text } from '../blocks.js';
import type { Block, Fact, Table } from '../page.js';
import { gainFact, pText, type Scores, scoreFact } from '../scores.js';

/** The choice, what it gains over the best single model, and everything that qualifies it. */
export function answer(report: SearchReport, scores: Scores): Block[] {
  return [
    ...text(headline(report, scores)),
    ...text(
      report.interrupted &&
        'The run was interrupted: this is the best that was known by then, and nothing was measured on the test split after that.',
    ),
    { kind: 'facts', facts: facts(report, scores) },
    table(ingredients(report, scores)),
    ...(report.reasons ?? []).flatMap(({ text: reason }, at) =>
      text(at === 0 && 'Why no soup wins:', `${capital(reason)}.`),
    ),
    ...report.notices.flatMap((notice) => text(`Note: ${notice}.`)),
  ];
}

function headline({ best, bestIndividual, pool }: SearchReport, { text: score, gain }: Scores): string {
  const single = bestIndividual.models[0];
  const written = 'It is in soup.safetensors, beside result.json.';
  const [ours, theirs] = [best.valScore, bestIndividual.valScore];
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
    return ours === undefined || theirs === undefined ? [] : [gainFact(split, ours - theirs, versus, scores)];
  };
  return [
    ...score('Soup, validation', best.valScore, statistics?.validation.interval),
    ...gain('validation', 'valScore', statistics?.validation.versusBestIndividual),
    ...score('Soup, test', best.testScore, statistics?.test?.interval),
    ...gain('test', 'testScore', statistics?.test?.versusBestIndividual),
    ...(holdout === undefined
      ? []
      : [
          ...score('Soup, held out', holdout.score, holdout.interval),
          gainFact('held out', holdout.score - holdout.bestIndividualScore, holdout.versusBestIndividual, scores),
        ]),
    averaged(best.approxScore, scores),
    { label: 'Models', value: `${best.models.length} of ${report.pool.models}`, note: 'in the soup' },
    ...(statistics === undefined
      ? []
      : [
          {
            label: 'Winner’s curse',
            value: scores.gainParts(statistics.winnersCurse).value,
            note: 'points by which the validation score of the best of the evaluated soups is expected to be too high',
          },
        ]),
    ...(greedy === undefined ? [] : greedyFacts(greedy, best, scores)),
    {
      label: 'Evaluations',
      value: evaluations.toLocaleString('en'),
      note: `of ${counted(scored, 'candidate')}; they cost ${Number(passes.toFixed(1))} full passes over the validation samples`,
    },
  ];
}

function averaged(approxScore: number, { scoreParts }: Scores): Fact {
  const { value, unit } = scoreParts(approxScore);
  const what = 'validation score of the ensemble, which the soup stands for at the cost of one model';
  return { label: 'Its averaged logits', value, note: unit === '' ? what : `${unit}; ${what}` };
}

function greedyFacts(
  { valScore, testScore, validation, test, evaluations }: NonNullable<SearchReport['greedy']>,
  best: SearchReport['best'],
  { gainParts }: Scores,
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
            value: gainParts(ours - theirs).value,
            note: `${gainParts(ours - theirs).unit}; ${versus ? `McNemar’s ${pText(versus.pValue)}; ` : ''}greedy: ${counted(evaluations, 'evaluation')} beyond the budget`,
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
  const isKnown = [...values.values()].some(({ valScore }) => valScore !== undefined);
  return {
    id: 'search-soup',
    title: 'The soup',
    columns: [
      { name: 'model', title: 'Model', format: 'text' },
      { name: 'weight', title: 'Weight', format: 'number' },
      scores.column('valScore', 'Alone, validation'),
      ...(values.size > 0 ? [scores.gainColumn('approxValue', 'Adds to the averaged logits')] : []),
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
      note: `What a model adds is the score with it minus that without it, the other weights in proportion${isKnown ? '; of the soup itself where that was evaluated' : ''}.`,
    }),
  };
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
