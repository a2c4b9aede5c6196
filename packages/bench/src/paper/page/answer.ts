import type { Fact, Section } from '@radin/report';
import { titleOf } from '../methods.js';
import type { PaperMethod, PaperResult, PaperRow, SignificantRuns } from '../result.js';
import { percent, points, shownScore } from '../table-text.js';

/** Methods that a user would choose between; the others are ablations, cheat, or give no soup. */
const COMPARED: readonly PaperMethod[] = ['greedy', 'radin', 'radin-prior', 'adaptive', 'uniform', 'best-individual'];
/** Those whose figures are shown at a glance. */
const SHOWN: readonly PaperMethod[] = ['greedy', 'radin', 'radin-prior', 'adaptive'];
/** Means that are closer are the same: below one sample of any split. */
const SAME = 1e-9;

/** Which method has the highest score at the least and the largest budget, by how much, and whether that is more than noise. */
export function answerSection(result: PaperResult): Section {
  const { settings, reported, notices } = result;
  const budgets = [...new Set([settings.budgets[0], settings.budgets.at(-1)])] as number[];
  return {
    id: 'answer',
    title: `The answer, on ${reported}`,
    blocks: [
      {
        kind: 'text',
        text: [
          budgets.map((budget) => winnerText(result, budget)).join(' '),
          `The highest of several scores on one split is somewhat too high; McNemar’s exact test compares soups sample by sample, and ${reported === 'test' ? 'the test split chose none of them' : 'validation chose them'}.`,
        ].join('\n\n'),
      },
      ...budgets.map((budget) => ({
        kind: 'facts' as const,
        facts: SHOWN.flatMap((method) => scoreFact(result, method, budget)),
      })),
      { kind: 'facts', facts: references(result) },
      ...notices.map((notice) => ({ kind: 'text' as const, text: `Note: ${notice}.` })),
    ],
  };
}

/** One sentence: the winners at a budget, their lead, and whether it is noise. */
function winnerText(result: PaperResult, budget: number): string {
  const rows = COMPARED.flatMap((method) => rowAt(result, method, budget) ?? []);
  const top = Math.max(...rows.map(meanOf));
  const winners = rows.filter((row) => top - meanOf(row) < SAME);
  const others = rows.filter((row) => top - meanOf(row) >= SAME);
  const names = listed(winners.map(({ method }) => inProse(method)));
  const said = `At B = ${budget}, ${names} ${winners.length > 1 ? 'score' : 'scores'} highest on ${result.reported}, ${percent(top)}\u00a0%`;
  if (others.length === 0) return `${said}: all methods choose equally good soups.`;
  const greedy = rows.find(({ method }) => method === 'greedy');
  if (greedy === undefined) return `${said}.`;
  if (winners.includes(greedy)) {
    const next = others.reduce((a, b) => (meanOf(b) > meanOf(a) ? b : a));
    const lead = `${percent(top - meanOf(next))} points above ${inProse(next.method)}`;
    return `${said}, ${lead}${noiseText(next.versusGreedy, 'worse')}.`;
  }
  const [tested] = winners.filter(({ versusGreedy }) => versusGreedy);
  return `${said}, ${percent(top - meanOf(greedy))} points above greedy${noiseText(tested?.versusGreedy, 'better')}.`;
}

/** A method in a sentence: without a comma, since lists have them. */
function inProse(method: PaperMethod): string {
  const title = titleOf(method).replace(/, (λ = .*)$/, ' ($1)');
  return method === 'uniform' || method === 'best-individual' ? `the ${title}` : title;
}

function noiseText(found: SignificantRuns | undefined, side: 'better' | 'worse'): string {
  if (found === undefined) return '';
  const runs = found.better + found.worse + found.neither;
  const clear = found[side];
  if (clear === 0)
    return `, which is no more than noise (${runs === 1 ? 'p ≥ 0.05' : `p < 0.05 in none of ${runs} runs`})`;
  if (clear === runs) return `, which is more than noise (p < 0.05${runs === 1 ? '' : ` in all ${runs} runs`})`;
  return `, which is more than noise in ${clear} of ${runs} runs (p < 0.05)`;
}

function scoreFact(result: PaperResult, method: PaperMethod, budget: number): Fact[] {
  const row = rowAt(result, method, budget);
  const greedy = rowAt(result, 'greedy', budget);
  if (row === undefined || greedy === undefined) return [];
  const spread = row.runs > 1 ? `sd ${percent(shownScore(row).deviation)} over ${row.runs} seeds` : undefined;
  const versus =
    method === 'greedy'
      ? `95 % interval ${percent(row.interval.lower)} to ${percent(row.interval.upper)}`
      : `${points(meanOf(row) - meanOf(greedy))} against greedy`;
  const note = [versus, ...(spread === undefined ? [] : [spread])].join('; ');
  return [{ label: `${titleOf(method)}, B = ${budget}`, value: `${percent(meanOf(row))}\u00a0%`, note }];
}

/** What the scores are to be read between, and how far the estimate orders them. */
function references(result: PaperResult): Fact[] {
  const { rhoWithoutPrior, rhoWithPrior } = result.pooled;
  const reference = (method: PaperMethod, note: string): Fact[] => {
    const row = rowAt(result, method, null);
    return row === undefined ? [] : [{ label: titleOf(method), value: `${percent(meanOf(row))}\u00a0%`, note }];
  };
  return [
    ...reference('best-individual', 'one of the models as it is'),
    ...reference('logit-ensemble', 'all models at once, N passes for each sample'),
    ...reference('oracle', 'chosen by test score among the candidates: an upper reference'),
    ...(rhoWithoutPrior === null
      ? []
      : [
          {
            label: 'Spearman’s ρ of the estimate',
            value: rhoWithoutPrior.mean.toFixed(3),
            note: `and the real score; ${rhoWithPrior?.mean.toFixed(3) ?? 'not defined'} with the prior; means over the seeds`,
          },
        ]),
  ];
}

/** A method's row at a budget, or its only one where it has none. */
function rowAt({ rows }: PaperResult, method: PaperMethod, budget: number | null): PaperRow | undefined {
  return rows.find((row) => row.method === method && (row.budget === null || row.budget === budget));
}

function meanOf(row: PaperRow): number {
  return shownScore(row).mean;
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
