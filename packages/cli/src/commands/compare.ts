import {
  type ComparisonRow,
  checkSamplers,
  compare,
  comparisonReport,
  comparisonText,
  formatScore,
  type Metric,
} from '@radin/core';
import type { Command } from 'commander';
import {
  type CandidateOptions,
  type PoolOptions,
  proposalOptions,
  withBudgets,
  withCandidateOptions,
  withPoolOptions,
} from '../options.js';
import { writeResults } from '../output-folder.js';
import { type CommandContext, cachePool, withProblem } from '../run-context.js';

export interface CompareCommandOptions extends PoolOptions, CandidateOptions {
  readonly budgets: readonly number[];
  readonly out: string;
}

export function addCompare(program: Command, context: CommandContext): void {
  const command = program
    .command('compare')
    .description('compare RADIN with greedy and the other recipes on a pool, like Table 1 of the paper')
    .argument('[pool]', 'folder with a radin.yaml, or that file');
  withPoolOptions(withCompareOptions(command))
    .addHelpText('after', '\nExample:\n  radin compare examples/digits --budgets 1,5,25 --out comparison')
    .action((pool: string | undefined, options: CompareCommandOptions) => runCompare(pool, options, context));
}

export function withCompareOptions(command: Command): Command {
  return withCandidateOptions(withBudgets(command)).option(
    '--out <folder>',
    'where comparison.json and the best soup, soup.safetensors, are written',
    'radin-out',
  );
}

export async function runCompare(
  pool: string | undefined,
  options: CompareCommandOptions,
  { signal, print, printJson }: CommandContext,
): Promise<void> {
  const proposal = proposalOptions(options);
  await withProblem(pool, options, async (problem, terminal, { metric }) => {
    // Refuses what the sampler cannot do before the passes and not after them.
    checkSamplers(problem.pool.size, proposal);
    const facts = await cachePool(problem, terminal, signal);
    const rows = await compare(problem.validation, problem.test, {
      ...proposal,
      budgets: [...new Set(options.budgets)],
      geometry: (await problem.geometry({ signal })).whole,
      signal,
      onProgress: terminal.onProgress,
    });
    terminal.finish();
    for (const notice of new Set(rows.flatMap(({ result }) => result.notices))) terminal.notice(`note: ${notice}`);
    const report = comparisonReport(rows, facts, metric, problem.validation.reused);
    const best = bestSoup(rows);
    const json = { name: 'comparison.json', value: report };
    const written = await writeResults(options.out, problem, best.result.best.mixture, json, signal);
    if (options.json) printJson(report);
    else
      print(
        `${comparisonText(report, metric)}\n\n${soupLine(best, metric)}\nwrote ${written.soup} and ${written.json}`,
      );
  });
}

/** The soup with the best validation score among the methods that a user could use; the earliest row among equals. */
function bestSoup(rows: readonly ComparisonRow[]): ComparisonRow {
  return rows
    .filter(({ result }) => result.method !== 'logit-ensemble' && result.method !== 'oracle')
    .reduce((best, row) => (row.valScore > best.valScore ? row : best));
}

function soupLine({ result, budget, valScore, testScore }: ComparisonRow, metric: Metric): string {
  const test = testScore === undefined ? '' : `, test ${formatScore(testScore, metric)}`;
  return `best soup by validation: ${result.method} at B = ${budget}, ${result.best.mixture.size} models, validation ${formatScore(valScore, metric)}${test}`;
}
