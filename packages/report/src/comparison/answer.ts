import { type ComparisonReport, METHOD_TITLES } from '@radin/core';
import { counted, text } from '../blocks.js';
import type { Block, Fact } from '../page.js';
import { gainFact, type Scores, scoreFact } from '../scores.js';

export function titleOf(method: string): string {
  return METHOD_TITLES[method] ?? method;
}

/** The soup that was written and what it gains over the best single model. */
export function answer({ rows, written, pool, notices }: ComparisonReport, scores: Scores): Block[] {
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
          scoreFact(`Its soup, ${label}`, score, split?.interval, scores),
          ...(other === undefined ? [] : [gainFact(label, score - other, split?.versusBestIndividual, scores)]),
        ];
  return [
    ...text(
      `The best soup by validation score was found by ${titleOf(best.method)} at B = ${best.budget}: ${best.models.length} of ${counted(pool.models, 'model')}. It is in soup.safetensors, beside comparison.json.`,
      'A best of so many rows scores somewhat too high on the samples that it was chosen by; the test samples chose nothing but the oracle.',
    ),
    {
      kind: 'facts',
      facts: [
        ...fact('validation', best.valScore, single?.valScore, validation),
        ...fact('test', best.testScore, single?.testScore, test),
      ],
    },
    ...notices.flatMap((notice) => text(`Note: ${notice}.`)),
  ];
}
