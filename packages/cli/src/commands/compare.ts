import {
  type ComparisonReport,
  type ComparisonRow,
  checkSamplers,
  compare,
  compareOnTest,
  comparisonReport,
  comparisonText,
  formatScore,
  lossOfEverySoup,
  type Metric,
} from '@radin/core';
import type { Command } from 'commander';
import {
  type DryRunOptions,
  type PoolOptions,
  type ShardOptions,
  withDryRun,
  withGivenLogits,
  withPoolOptions,
  withShardSize,
} from '../options/options.js';
import {
  type CandidateOptions,
  proposalOptions,
  type RestartOptions,
  withBudgets,
  withCandidateOptions,
  withRestart,
} from '../options/search-options.js';
import { writeResults } from '../output/output-folder.js';
import { type ReportOptions, withReport } from '../output/run-report.js';
import { soupSources } from '../output/soup-output.js';
import { concludeRun } from '../run/conclude-run.js';
import { dryRun, planned } from '../run/dry-run.js';
import { poolFindings } from '../run/pool-findings.js';
import { type CommandContext, cachePool, type OpenRun, withProblem } from '../run/run-context.js';
import { commonFacts } from '../run/run-journal.js';
import { VERSION } from '../version.js';
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

export function addCompare(command: Command, context: CommandContext): void {
  command.argument('[pool]', 'folder with a radin.yaml, or that file');
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
  const { signal, interruption } = context;
  const proposal = proposalOptions(options);
  const plan = { mixtures: options.candidates * proposal.samplers.length + OTHER_MIXTURES, allOnTest: true };
  const run = async (open: OpenRun) => {
    const {
      problem,
      terminal,
      options: { metric, ...opened },
      name,
      files,
      journal,
    } = open;
    // Refuses what the sampler cannot do before the passes and not after them.
    checkSamplers(problem.pool.size, proposal, metric);
    const budgets = [...new Set(options.budgets)];
    if (options.dryRun) {
      const { size } = problem.pool;
      // Greedy, RADIN twice and adaptive at every budget, and the uniform soup; the larger budget finds what the smaller one evaluated.
      const soups = 4 * Math.max(...budgets) + 1;
      const models = problem.unopenedTest?.hasGivenLogits ? 0 : size;
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
    const comparing = {
      ...proposal,
      budgets,
      geometry: (await problem.geometry({ signal })).whole,
      signal,
      onProgress: terminal.onProgress,
    };
    const rows = await compare(problem.validation, comparing);
    terminal.finish();
    const best = bestSoup(rows);
    const documentOf = async (all: readonly ComparisonRow[], testScores: ReadonlyMap<number, number>) =>
      comparisonReport(
        { rows: all, written: best, pool: await poolFindings(problem, testScores, signal) },
        {
          pool: { ...(name !== undefined && { name }), ...facts },
          metric,
          budgets,
          candidates: proposal.candidates,
          sampler: proposal.samplers.map(({ name }) => name).join(),
          seed: proposal.seed,
          notices: noticesOf(all),
          versions: VERSIONS,
        },
      );
    const {
      method,
      best: { mixture },
    } = best.result;
    const sources = soupSources(files, opened);
    const write = (value: ComparisonReport, test?: number) => {
      const recorded = { validation: best.valScore, test };
      const choice = { version: VERSION, method, budget: best.budget, seed: proposal.seed, metric, scores: recorded };
      const made = `radin compare, method ${method} at a budget of ${best.budget}`;
      const soup = { mixture, made, choice, sources };
      return writeResults(options.out, problem, soup, { name: 'comparison.json', value }, { ...options, signal });
    };
    const notices = noticesOf(rows);
    for (const notice of notices) terminal.notice(`note: ${notice}`);
    await concludeRun(open, options, context, {
      method,
      mixture,
      isEarly: false,
      write: async () => write(await documentOf(rows, new Map())),
      onTest: async (test, call) => {
        const all = await compareOnTest(rows, problem.validation, test, { ...comparing, ...call });
        // The comparison has cached the logits of all models.
        const singles = new Map((await test.individualScores(call)).entries());
        const row = all.find(({ result, budget }) => result === best.result && budget === best.budget);
        return { all, singles, row };
      },
      rewrite: ({ found }) =>
        found && documentOf(found.all, found.singles).then((value) => write(value, found.row?.testScore)),
      notices: ({ all }) => noticesOf(all).filter((notice) => !notices.includes(notice)),
      text: (report, record, wrote, found) =>
        `${comparisonText(report, record, metric)}\n\n${soupLine(found?.row ?? best, metric)}\n${wrote}`,
      interruptedText: () => 'interrupted before the test split had told its scores; what was chosen is',
      loss: lossOfEverySoup(rows.map(({ result }) => result)),
    });
  };
  interruption.resumable = !options.dryRun;
  await withProblem(pool, { ...options, signal }, run, { plan, journaled: true });
}

function noticesOf(rows: readonly ComparisonRow[]): readonly string[] {
  return [...new Set(rows.flatMap(({ result }) => result.notices))];
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
