import { CONFIDENCE, type ComparisonReport, METHOD_TITLES, SOUP_FILE } from '@radin/core';
import { counted, text, titled } from '../blocks.js';
import type { Block, Fact } from '../page.js';
import { factsNote, gainFact, type Scores, scoreFact } from '../scores.js';

export function titleOf(method: string): string {
  return METHOD_TITLES[method] ?? method;
}

/** The answer in a line: the pool, the method, its score. */
export function answerTitle({ pool, rows, written }: ComparisonReport, scores: Scores): string {
  const best = rows.find(({ method, budget }) => method === written.method && budget === written.budget);
  const score = best === undefined ? '' : `, ${scores.text(best.valScore)} on validation`;
  return titled(pool.name, `${titleOf(written.method)} at B = ${written.budget}${score}`);
}

/** The soup that was written and what it gains over the best single model. */
export function answer(
  { rows, written, pool, notices, soupFile = SOUP_FILE }: ComparisonReport,
  scores: Scores,
): Block[] {
  const at = (wanted: string) => rows.find(({ method, budget }) => method === wanted && budget === written.budget);
  const [best, single] = [at(written.method), at('best-individual')];
  if (best === undefined) return [];
  const { validation, test } = best.statistics ?? {};
  const fact = (
    label: string,
    score: number | undefined,
    other: number | undefined,
    split: typeof validation,
  ): Fact[] =>
    score === undefined
      ? []
      : [
          scoreFact(`Soup, ${label}`, score, split?.interval, scores),
          ...(other === undefined ? [] : [gainFact(label, score - other, split?.versusBestIndividual, scores)]),
        ];
  return [
    ...text(
      `Best by validation score: ${titleOf(best.method)} at B = ${best.budget}, with ${best.models.length} of ${counted(pool.models, 'model')}. It is in ${soupFile}, beside comparison.json.`,
      'A best of so many rows scores somewhat too high on the samples that it was chosen by; the test samples chose nothing but the oracle.',
    ),
    {
      kind: 'facts',
      facts: [
        ...fact('validation', best.valScore, single?.valScore, validation),
        ...fact('test', best.testScore, single?.testScore, test),
      ],
      note: factsNote(validation && CONFIDENCE),
    },
    ...notices.flatMap((notice) => text(`Note: ${notice}.`)),
  ];
}
