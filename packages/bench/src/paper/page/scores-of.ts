import type { PaperResult } from '../result.js';

/** `Test accuracy`, or of the validation where there is no test split. */
export function scoreTitle({ reported }: PaperResult): string {
  return reported === 'test' ? 'Test accuracy' : 'Validation accuracy';
}

/** The soup's models, one per line. */
export function modelLines({ pool }: PaperResult, models: readonly number[], weights?: readonly number[]): string {
  return models
    .map((model, index) => {
      const weight = weights?.[index];
      return `${pool.models[model]}${weight === undefined ? '' : ` (${Number(weight.toPrecision(3))})`}`;
    })
    .join('\n');
}

/** A channel on an axis of scores, which begins where the scores do; one title for all channels of a chart, so that they share it. */
export function scoreChannel(field: string, title: string) {
  return { field, title, type: 'quantitative', scale: { zero: false }, axis: { format: '.2~%' } } as const;
}
