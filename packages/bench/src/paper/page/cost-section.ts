import type { Section } from '@radin/report';
import { titleOf } from '../methods.js';
import type { PaperResult, PaperRow } from '../result.js';
import { columnsAndRows, field } from './columns.js';

/** What each method costs, on every axis. */
export function costSection({ rows, cost, pool }: PaperResult): Section {
  const { secondsPerEvaluation, measured, threads } = cost;
  const pace =
    secondsPerEvaluation === null
      ? 'No evaluation was measured.'
      : `A pass over the validation samples takes ${(1000 * secondsPerEvaluation).toFixed(0)} ms on ${threads} threads, the mean of ${measured.toLocaleString('en')} evaluations with their averaging; the last column is that times the passes.`;
  return {
    id: 'cost',
    title: 'What each method costs',
    blocks: [
      {
        kind: 'table',
        table: {
          id: 'cost',
          title: 'Cost',
          ...columnsAndRows<PaperRow>(
            [
              field('method', 'Method', 'text', ({ method }) => titleOf(method)),
              field('budget', 'Budget', 'integer', ({ budget }) => budget),
              field('evaluations', 'Evaluations', 'number', ({ evaluations }) => evaluations.mean),
              field('passes', 'Forward passes', 'number', ({ passes }) => passes.mean),
              field('stage1_seconds', 'Stage 1, s (measured)', 'number', ({ stage1Seconds }) =>
                stage1Seconds.max === 0 ? null : stage1Seconds.mean,
              ),
              field(
                'pass_seconds',
                'Passes, s (mean × number)',
                'number',
                ({ evaluationSeconds }) => evaluationSeconds,
              ),
            ],
            rows,
          ),
          note: `Evaluations are real evaluations of soups as the paper counts them; greedy’s first only repeats a known score. Forward passes are full passes over the validation samples: the ${pool.models.length} that cache the models’ logits, which greedy needs for its order too, and those of the soups, of which adaptive stops some early. Evaluations of oracles are on the test split, counted by its samples. Stage 1 is everything but evaluations, the fastest of three searches, the mean over the seeds. ${pace}`,
        },
      },
    ],
  };
}
