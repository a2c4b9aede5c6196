import { alignColumns } from '@radin/core';
import { environmentText, GAP, markdownTable, percent } from '../table.js';
import { PHASES, type Phase, type ProcessRun, type SoupingResult, type SoupingRow } from './result.js';

/** What the columns mean. */
const SOUPING_LEGEND =
  'Seconds of whole processes, from models on disk to a soup on disk: median (fastest to slowest). CPU is what all threads of the process spent on processors, which other work on the machine disturbs least; it and the phases are medians. × ours compares with our row of the same method and threads. Ours loads while it passes over the samples and averages while it evaluates, so its columns “single models” and “soups” hold both; “other” is the start of the process and of its libraries, writing the soup where it is not listed, and our report.';

const TITLES: Readonly<Record<Phase, string>> = {
  load: 'load',
  singles: 'single models',
  stage1: 'stage 1',
  average: 'averages',
  soups: 'soups',
  write: 'write',
};

/** What a search took. */
export function timesTable({ rows }: SoupingResult): string[][] {
  return [
    ['', 'threads', 'whole', '× ours', 'CPU', '× ours', ...PHASES.map((phase) => TITLES[phase]), 'other'],
    ...rows.map((row) => {
      const own = ourTwin(row, rows);
      const ratio = (of: (row: SoupingRow) => number) => (own === undefined ? '' : (of(row) / of(own)).toPrecision(3));
      const wholeRatio = ratio((found) => wholeOf(found).median);
      const { median, fastest, slowest } = wholeOf(row);
      const whole = `${seconds(median)} (${seconds(fastest)}–${seconds(slowest)})`;
      const phases = PHASES.map((phase) => phaseText(row.runs, ({ phases }) => phases[phase]));
      const cpu = [seconds(cpuOf(row)), ratio(cpuOf)];
      return [row.name, String(row.threads), whole, wholeRatio, ...cpu, ...phases, phaseText(row.runs, otherSeconds)];
    }),
  ];
}

/** What it found; the same on every number of threads, else the checks say so. */
function soupsTable({ rows }: SoupingResult): string[][] {
  const first = rows.filter(({ name }, index) => rows.findIndex((row) => row.name === name) === index);
  return [
    ['', 'soups evaluated', 'passes', 'models', 'validation %', 'test %'],
    ...first.map(({ name, evaluations, passes, found }) => [
      name,
      String(evaluations),
      (passes ?? evaluations).toFixed(1),
      String(found.models.length),
      percent(found.valScore),
      percent(found.testScore),
    ]),
  ];
}

/** Everything for a terminal. */
export function soupingText(result: SoupingResult): string {
  const indented = (table: string[][]) => alignColumns(table, GAP).map((line) => `  ${line}`.trimEnd());
  return [
    `${headline(result)}\n${SOUPING_LEGEND}`,
    indented(timesTable(result)).join('\n'),
    indented(soupsTable(result)).join('\n'),
    ...(result.checks.length > 0 ? [checkLines(result, '  ').join('\n')] : []),
    ...result.notices.map((notice) => `  note: ${notice}`),
  ].join('\n\n');
}

/** Everything as Markdown. */
export function soupingMarkdown(result: SoupingResult): string {
  return [
    `${environmentText(result.environment)}.`,
    `**${headline(result)}**`,
    SOUPING_LEGEND,
    markdownTable(timesTable(result)),
    markdownTable(soupsTable(result)),
    ...(result.checks.length > 0 ? [checkLines(result, '- ').join('\n')] : []),
    ...result.notices.map((notice) => `Note: ${notice}.`),
  ].join('\n\n');
}

function headline({ pool, budget, candidates, seed, batch, load }: SoupingResult): string {
  const { name, models, samples, classes } = pool;
  const [before, after] = load.map((value) => value.toFixed(1));
  return `${name}: ${models} models, ${samples} validation samples, ${classes} classes; B = ${budget}, ${candidates} candidates, seed ${seed}; torch in batches of ${batch}; load average ${before} before and ${after} after`;
}

function checkLines({ checks }: SoupingResult, mark: string): string[] {
  return checks.map(({ agrees, text }) => `${mark}${agrees ? 'agrees' : 'differs'}: ${text}`);
}

/** Our row of the same method and threads. */
function ourTwin({ method, threads }: SoupingRow, rows: readonly SoupingRow[]): SoupingRow | undefined {
  return rows.find((row) => row.side === 'ours' && row.method === method && row.threads === threads);
}

function wholeOf({ runs }: SoupingRow) {
  const all = runs.map(({ seconds }) => seconds);
  return { median: median(all), fastest: Math.min(...all), slowest: Math.max(...all) };
}

function cpuOf({ runs }: SoupingRow): number {
  return median(runs.map(({ cpuSeconds }) => cpuSeconds));
}

function otherSeconds({ seconds, phases }: ProcessRun): number {
  return seconds - Object.values(phases).reduce((sum, value) => sum + value, 0);
}

function phaseText(runs: readonly ProcessRun[], of: (run: ProcessRun) => number | undefined): string {
  const values = runs.map(of).filter((value) => value !== undefined);
  return values.length === 0 ? '' : seconds(median(values));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle)] as number)) / 2;
}

function seconds(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
