import { alignColumns } from '@radin/core';
import { bestMedian, type Environment, type ExperimentResult, type KernelsResult, type Row, spread } from './result.js';

/** A table of one experiment: a header and a line per contender, all threads side by side. */
export function tableOf({ rows }: ExperimentResult): string[][] {
  const threads = [...new Set(rows.map((row) => row.threads))];
  const limit = bestMedian(rows.filter(({ side }) => side === 'limit'));
  const first = rows.find(({ side }) => side === 'ours')?.name;
  const own = bestMedian(rows.filter(({ name }) => name === first));
  const names = [...new Set(rows.map(({ name }) => name))];
  return [
    ['', ...threads.map((count) => (count === 1 ? '1 thread, ms' : `${count} threads, ms`)), '× limit', '× ours'],
    ...names.map((name) => {
      const mine = rows.filter((row) => row.name === name);
      const times = threads.map((count) => timeText(mine.find((row) => row.threads === count)));
      const best = bestMedian(mine);
      return [name, ...times, ratioText(best, limit), ratioText(best, own)];
    }),
  ];
}

/** Between the columns of a table for a terminal. */
export const GAP = '   ';

/** A table as Markdown, its first line the header; all columns but the first are of numbers. */
export function markdownTable([header = [], ...lines]: readonly (readonly string[])[]): string {
  return [header, header.map((_, column) => (column === 0 ? '---' : '---:')), ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** A score in percent. */
export function percent(score: number): string {
  return (100 * score).toFixed(2);
}

/** What the ratios mean, in one sentence. */
export const LEGEND =
  'Median (fastest to slowest); ratios are of medians, each side at its better number of threads, “ours” is the first of ours; ≈ is scaled from a part of the work.';

export function environmentText(environment: Environment): string {
  const { cpu, cores, caches, memoryBytes, os, node, compiler, backend, peers, commit } = environment;
  const python = peers && Object.entries(peers).map(([name, version]) => `${name} ${version}`);
  return [
    `${cpu}, ${cores} ${cores === 1 ? 'core' : 'cores'}${caches.length > 0 ? ` (${caches.join(', ')})` : ''}`,
    `${(memoryBytes / 2 ** 30).toFixed(0)} GiB of memory`,
    os,
    `Node ${node}`,
    compiler,
    `backend ${backend}`,
    ...(python ?? ['no peers']),
    `commit ${commit}`,
  ].join('; ');
}

/** An experiment's table for a terminal. */
export function resultText(result: ExperimentResult): string {
  const table = tableOf(result);
  return [
    `${result.title}: ${result.data}`,
    ...(result.rows.length > 0 ? alignColumns(table, GAP).map((line) => `  ${line}`.trimEnd()) : []),
    ...result.notices.map((notice) => `  note: ${notice}`),
  ].join('\n');
}

/** All tables of a run as Markdown. */
export function markdown({ environment, size, seed, results }: KernelsResult): string {
  const sections = results.map((result) => {
    const table = result.rows.length > 0 ? `\n\n${markdownTable(tableOf(result))}` : '';
    const notices = result.notices.map((notice) => `\n\nNote: ${notice}.`).join('');
    return `**${result.title}**: ${result.data}.${table}${notices}`;
  });
  return [`${environmentText(environment)}; size ${size}, seed ${seed}.`, LEGEND, ...sections].join('\n\n');
}

function timeText(row: Row | undefined): string {
  if (row === undefined) return '';
  const { median, fastest, slowest } = spread(row);
  const [middle, least, most] = [median, fastest, slowest].map(milliseconds);
  return `${row.share < 1 ? '≈ ' : ''}${middle} (${least}–${most})`;
}

/** Three digits, and whole milliseconds from 100 on. */
function milliseconds(seconds: number): string {
  const value = 1000 * seconds;
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function ratioText(value: number | undefined, unit: number | undefined): string {
  if (value === undefined || unit === undefined) return '';
  const ratio = value / unit;
  return ratio >= 100 ? ratio.toFixed(0) : ratio.toPrecision(3);
}
