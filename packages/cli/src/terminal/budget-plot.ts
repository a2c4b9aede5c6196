import { formatScore, type Metric, type SearchReport } from '@radin/core';

export interface PlotOptions {
  /** Characters of a line of the terminal. */
  readonly columns: number;
  /** Whether the terminal shows more than ASCII. */
  readonly unicode: boolean;
}

/** Rows of the curve; with its title and axis the plot has eight lines. */
const ROWS = 6;
const WIDEST = 72;
/** A narrower plot says less than the line of text that has the same figures. */
const NARROWEST = 24;

const UNICODE = { along: '─', up: '│', from: '╯', to: '╭', tick: '┤', axis: '─', corner: '└' };
const ASCII = { along: '-', up: '|', from: "'", to: '.', tick: '|', axis: '-', corner: '+' };

/**
 * The validation score of the choice by evaluation, drawn in eight lines: what a larger budget bought so far. None where the choice
 * changed less than twice, or where the terminal is too narrow.
 */
export function budgetPlot(report: SearchReport, metric: Metric, { columns, unicode }: PlotOptions): string[] {
  const { curve = [], evaluations } = report;
  const scores = curve.map(({ valScore }) => valScore);
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  const labels = [high, low].map((score) => formatScore(score, metric));
  const margin = Math.max(...labels.map((label) => label.length));
  const width = Math.min(columns, WIDEST) - margin - 3;
  if (new Set(scores).size < 3 || width < NARROWEST) return [];
  const marks = unicode ? UNICODE : ASCII;
  const heights = Array.from({ length: width }, (_, at) => {
    const made = Math.round((at * evaluations) / (width - 1));
    const choice = curve.findLast((point) => point.evaluations <= made);
    return choice && Math.round(((choice.valScore - low) / (high - low)) * (ROWS - 1));
  });
  const lines = Array.from({ length: ROWS }, (_, row) => {
    const height = ROWS - 1 - row;
    const label = row === 0 ? labels[0] : row === ROWS - 1 ? labels[1] : '';
    const drawn = heights.map((here, at) => markAt(height, heights[at - 1] ?? here, here, marks)).join('');
    return `${(label ?? '').padStart(margin)} ${marks.tick} ${drawn}`.trimEnd();
  });
  const end = String(evaluations);
  const axis = `${' '.repeat(margin + 1)}${marks.corner}${marks.axis.repeat(width + 1)}`;
  const numbers = `${' '.repeat(margin + 3)}0${end.padStart(width - 1)}`;
  return [`validation score by evaluation, 0 to ${end}`, ...lines, axis, numbers].filter((_, at) => at !== ROWS + 2);
}

/** The choice never gets worse, so the curve only rises. */
function markAt(height: number, before: number | undefined, here: number | undefined, marks: typeof UNICODE): string {
  if (here === undefined || before === undefined) return ' ';
  if (before === here) return height === here ? marks.along : ' ';
  if (height === before) return marks.from;
  if (height === here) return marks.to;
  return height > before && height < here ? marks.up : ' ';
}

/** What standard output shows, where it is a terminal: UTF-8 only where the locale says so. */
export function plotOptions(
  { isTTY, columns }: Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>,
  environment: NodeJS.ProcessEnv,
): PlotOptions | undefined {
  if (!isTTY || environment.TERM === 'dumb') return undefined;
  const locale = environment.LC_ALL || environment.LC_CTYPE || environment.LANG || '';
  return { columns: columns ?? 80, unicode: /utf-?8/i.test(locale) };
}
