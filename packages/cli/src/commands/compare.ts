import {
  type ComparisonRow,
  checkSamplers,
  compare,
  comparisonReport,
  comparisonText,
  formatScore,
  type Metric,
  type Problem,
  type ProblemOptions,
} from '@radin/core';
import type { Command } from 'commander';
import { dryRun, planned } from '../dry-run.js';
import {
  type DryRunOptions,
  type PoolOptions,
  type ShardOptions,
  withDryRun,
  withGivenLogits,
  withPoolOptions,
  withShardSize,
} from '../options.js';
import { writeResults } from '../output-folder.js';
import { poolFindings } from '../pool-findings.js';
import { type CommandContext, cachePool, withProblem } from '../run-context.js';
import { commonFacts, type RunJournal } from '../run-journal.js';
import { type ReportOptions, reportBeside, withReport, wroteLine } from '../run-report.js';
import {
  type CandidateOptions,
  proposalOptions,
  type RestartOptions,
  withBudgets,
  withCandidateOptions,
  withRestart,
} from '../search-options.js';
import { cardFacts } from '../soup-output.js';
import type { Terminal } from '../terminal.js';
import { VERSIONS } from '../versions.js';

/** Mixtures that the adaptive search scores besides. */
const OTHER_MIXTURES = 20_000;

export interface CompareCommandOptions
  extends PoolOptions,
    CandidateOptions,
    ShardOptions,
    DryRunOptions,
    RestartOptions,
    ReportOptions {
  readonly budgets: readonly number[];
  readonly out: string;
}

export function addCompare(program: Command, context: CommandContext): void {
  const command = program
    .command('compare')
    .description('compare RADIN with greedy and the other recipes on a pool, like Table 1 of the paper')
    .argument('[pool]', 'folder with a radin.yaml, or that file');
  withPoolOptions(withGivenLogits(withCompareOptions(command)))
    .addHelpText('after', '\nExample:\n  radin compare examples/digits --budgets 1,5,25 --out comparison')
    .action((pool: string | undefined, options: CompareCommandOptions) => runCompare(pool, options, context));
}

export function withCompareOptions(command: Command): Command {
  return withRestart(withDryRun(withShardSize(withReport(withCandidateOptions(withBudgets(command)))))).option(
    '--out <folder>',
    'where comparison.json, report.html and the best soup, soup.safetensors or soup.onnx, are written',
    'radin-out',
  );
}

export async function runCompare(
  pool: string | undefined,
  options: CompareCommandOptions,
  context: CommandContext,
): Promise<void> {
  const { signal, interruption, print, printJson } = context;
  const proposal = proposalOptions(options);
  const plan = { mixtures: options.candidates * proposal.samplers.length + OTHER_MIXTURES, allOnTest: true };
  const run = async (
    problem: Problem,
    terminal: Terminal,
    { metric }: ProblemOptions,
    name: string | undefined,
    journal?: RunJournal,
  ) => {
    // Refuses what the sampler cannot do before the passes and not after them.
    checkSamplers(problem.pool.size, proposal, metric);
    const budgets = [...new Set(options.budgets)];
    if (options.dryRun) {
      const { size } = problem.pool;
      // Greedy, RADIN twice and adaptive at every budget, and the uniform soup; the larger budget finds what the smaller one evaluated.
      const soups = 4 * Math.max(...budgets) + 1;
      const models = problem.test?.hasGivenLogits ? 0 : size;
      const test = models + options.candidates + budgets.length * 5;
      await dryRun(problem, { ...planned(options, name), strategy: 'every method', soups, test }, terminal, context);
      return;
    }
    await journal?.begin(
      {
        command: 'compare',
        budgets,
        candidates: proposal.candidates,
        sampler: proposal.samplers.map(({ name }) => name).join(),
        'include-uniform': proposal.includeUniform,
        seed: proposal.seed,
        metric: metric.name,
        ...commonFacts(options),
      },
      problem,
      terminal,
    );
    const facts = await cachePool(problem, terminal, signal);
    const rows = await compare(problem.validation, problem.test, {
      ...proposal,
      budgets,
      geometry: (await problem.geometry({ signal })).whole,
      signal,
      onProgress: terminal.onProgress,
    });
    terminal.finish();
    const notices = [...new Set(rows.flatMap(({ result }) => result.notices))];
    for (const notice of notices) terminal.notice(`note: ${notice}`);
    const best = bestSoup(rows);
    const found = comparisonReport(
      { rows, written: best, pool: await poolFindings(problem, await singleTestScores(problem, signal), signal) },
      {
        pool: { ...(name !== undefined && { name }), ...facts },
        metric,
        budgets,
        candidates: proposal.candidates,
        sampler: proposal.samplers.map(({ name }) => name).join(),
        seed: proposal.seed,
        backend: problem.backend.name,
        notices,
        reused: problem.validation.reused,
        timings: terminal.timings,
        versions: VERSIONS,
      },
    );
    const json = { name: 'comparison.json', value: found };
    const card = cardFacts(
      `radin compare, method ${best.result.method} at a budget of ${best.budget}`,
      problem,
      metric,
      {
        validation: best.valScore,
        test: best.testScore,
      },
    );
    const results = await writeResults(options.out, problem, best.result.best.mixture, json, card, {
      ...options,
      signal,
    });
    const { report, ...written } = results;
    for (const notice of written.notices) terminal.notice(`note: ${notice}`);
    const { paths, failure } = await interruption.finishable(() => reportBeside(options.out, report, options));
    await journal?.finish({ backend: problem.backend.name, reused: { ...report.reused }, timings: terminal.timings });
    if (options.json) printJson(report);
    else {
      const wrote = wroteLine([...written.soups, written.json, ...paths]);
      print(`${comparisonText(report, metric)}\n\n${soupLine(best, metric)}\n${wrote}`);
    }
    if (failure !== undefined) throw failure;
  };
  interruption.resumable = !options.dryRun;
  await withProblem(pool, { ...options, signal }, run, { plan, journaled: true });
}

/** Test scores of all single models, whose logits the comparison has cached on the test split too; none where there is none. */
async function singleTestScores({ test }: Problem, signal: AbortSignal): Promise<ReadonlyMap<number, number>> {
  return new Map(test === undefined ? [] : (await test.individualScores({ signal })).entries());
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
