import {
  ADAPTIVE_SAMPLERS,
  adaptive,
  baseOf,
  checkProposal,
  checkRacing,
  type Fingerprint,
  lossOfEverySoup,
  type Metric,
  type RunRecord,
  raceTop,
  radin,
  type SearchReport,
  type SearchResult,
  searchReport,
  searchText,
} from '@radin/core';
import type { Command } from 'commander';
import { type EstimateOptions, estimateFacts, estimateOptions, withEstimate } from '../options/estimate-options.js';
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
  type ExplainOptions,
  type HoldOutOptions,
  proposalOptions,
  type RacingOptions,
  type RestartOptions,
  racingOptions,
  strategyOption,
  withBudget,
  withCandidateOptions,
  withExplain,
  withHoldOut,
  withRacing,
  withRestart,
  withStrategy,
} from '../options/search-options.js';
import { writeResults } from '../output/output-folder.js';
import { type ReportOptions, withReport } from '../output/run-report.js';
import { soupSources } from '../output/soup-output.js';
import { choiceFacts, type TestedChoice, testChoice, testOutcome } from '../run/choice-facts.js';
import { concludeRun } from '../run/conclude-run.js';
import { dryRun, planned } from '../run/dry-run.js';
import { type CommandContext, cachePool, type OpenRun, withProblem } from '../run/run-context.js';
import { commonFacts } from '../run/run-journal.js';
import { budgetPlot, plotOptions } from '../terminal/budget-plot.js';
import { VERSION } from '../version.js';
import { VERSIONS } from '../versions.js';

interface SearchOptions
  extends PoolOptions,
    CandidateOptions,
    HoldOutOptions,
    RacingOptions,
    EstimateOptions,
    ExplainOptions,
    ShardOptions,
    DryRunOptions,
    RestartOptions,
    ReportOptions {
  readonly versusGreedy?: true;
  readonly budget: number;
  readonly lambda: number;
  readonly out: string;
}

/** Mixtures that are scored besides the candidates, by neighbourhoods of the best: some thousands. */
const OTHER_MIXTURES = 20_000;

export function addSearch(command: Command, context: CommandContext): void {
  command
    .argument('[pool]', 'folder with a radin.yaml, or that file')
    .option(
      '--out <folder>',
      'where the soup (soup.safetensors, or soup.onnx of models in ONNX), result.json and report.html are written',
      'radin-out',
    )
    .option('--versus-greedy', 'also run greedy, up to N evaluations beyond the budget, and test the soup against it');
  const searching = withRestart(
    withRacing(withCandidateOptions(withEstimate(withBudget(withStrategy(command)), true))),
  );
  withPoolOptions(withGivenLogits(withDryRun(withShardSize(withReport(withExplain(withHoldOut(searching)))))))
    .addHelpText('after', '\nExample:\n  radin search examples/digits --budget 25')
    .action((pool: string | undefined, options: SearchOptions) =>
      search(pool, options, strategyOption(command), context),
    );
}

async function search(
  pool: string | undefined,
  options: SearchOptions,
  strategy: 'adaptive' | 'radin',
  context: CommandContext,
): Promise<void> {
  const { signal, interruption } = context;
  const proposal = { ...proposalOptions(options), ...(strategy === 'adaptive' && { samplers: ADAPTIVE_SAMPLERS }) };
  const names = proposal.samplers.map(({ name }) => name);
  const plan = {
    mixtures: options.candidates * names.length + OTHER_MIXTURES,
    everySubset: names.includes('exhaustive'),
    racing: strategy === 'radin' ? options.budget : 0,
  };
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
    const estimate = estimateOptions(options, metric, strategy);
    const ordering = strategy === 'radin' ? { ...proposal, estimate: baseOf(estimate, metric) } : proposal;
    checkProposal(problem.pool.size, ordering, metric);
    const racing = racingOptions(options, metric, strategy, problem.validation.wholeOnly);
    checkRacing(metric, racing, problem.validation.wholeOnly);
    const { budget, lambda } = options;
    const describedEstimate = estimateFacts(estimate, metric);
    if (options.dryRun) {
      const soups = budget + (options.versusGreedy ? problem.pool.size : 0);
      await dryRun(problem, { ...planned(options, name), strategy, soups, test: 2 }, terminal, context);
      return;
    }
    const fingerprint = {
      ...runFacts(options, strategy, names),
      metric: metric.name,
      estimate: { ...describedEstimate },
      racing: { ...racing },
    };
    await journal?.begin(fingerprint, problem, terminal);
    const facts = await cachePool(problem, terminal, signal);
    const call = { signal, onProgress: terminal.onProgress };
    const geometry = strategy === 'adaptive' ? (await problem.geometry(call)).whole : undefined;
    const result = await interruption.finishable((stop) =>
      geometry === undefined || racing.mode === 'statistical'
        ? radin(problem.validation, {
            ...ordering,
            ...call,
            stop,
            budget,
            lambda,
            evaluate: (ranked, most, options) => raceTop(problem.validation, ranked, most, racing, options),
          })
        : adaptive(problem.validation, {
            ...call,
            stop,
            budget,
            candidates: proposal.candidates,
            estimate,
            geometry,
            racing: racing.mode,
          }),
    );
    for (const notice of result.notices) terminal.notice(`note: ${notice}`);
    const { seed } = proposal;
    const chosen = await choiceFacts(problem, result, { ...options, seed }, terminal, context);
    terminal.finish();
    const documentOf = (tested?: TestedChoice, interrupted = chosen.interrupted) =>
      searchReport(
        { result, ...chosen.facts, ...(tested && testOutcome(chosen.facts, tested)) },
        {
          pool: { ...(name !== undefined && { name }), ...facts },
          budget,
          lambda,
          estimate: describedEstimate,
          sampler: names.join(),
          seed,
          racing: racing.mode,
          interrupted,
          metric,
          versions: VERSIONS,
        },
      );
    const { mixture } = result.best;
    const sources = soupSources(files, opened);
    const write = (tested?: TestedChoice, interrupted?: boolean) => {
      const value = documentOf(tested, interrupted);
      const { method, best } = value;
      const holdout = chosen.facts.statistics.heldOut?.score;
      const recorded = { validation: best.valScore, test: tested?.choice.score, holdout };
      const { holdout: holdOut } = options;
      const choice = { version: VERSION, method, budget, seed, metric, holdOut, scores: recorded };
      const soup = { mixture, made: `radin search, method ${method}`, choice, sources };
      return writeResults(options.out, problem, soup, { name: 'result.json', value }, { ...options, signal });
    };
    await concludeRun(open, options, context, {
      method: result.method,
      mixture,
      isEarly: chosen.interrupted,
      write: () => write(),
      onTest: (test, call) => testChoice(test, mixture, chosen.facts, call),
      // A document that the test split was to add to says that it was interrupted.
      rewrite: ({ found, interrupted }) =>
        found !== undefined || (interrupted && !chosen.interrupted) ? write(found, interrupted) : undefined,
      text: (report, record, wrote) => textOf(report, record, metric, options, wrote),
      interruptedText: () => `interrupted after ${doneOf(result, strategy, budget)} evaluations; the best so far is`,
      loss: lossOfEverySoup([result]),
    });
  };
  interruption.resumable = !options.dryRun;
  await withProblem(pool, { ...options, signal }, run, { plan, journaled: true });
}

/** How many evaluations an interrupted search has made: `all 25`, `7 of 25`, or `3 whole` of a race, which goes through all at once. */
function doneOf(
  { candidates, evaluations, interrupted }: SearchResult,
  strategy: 'adaptive' | 'radin',
  budget: number,
): string {
  if (strategy !== 'radin' || !interrupted) return `${evaluations === budget ? 'all' : `${evaluations} of`} ${budget}`;
  return `${candidates.filter(({ score }, at) => at < evaluations && score !== undefined).length} whole`;
}

/** Options on which a search's results depend, besides its metric, estimate and race. */
function runFacts(options: SearchOptions, strategy: 'adaptive' | 'radin', samplers: readonly string[]): Fingerprint {
  const { budget, candidates, seed, lambda, includeUniform, explain = false, versusGreedy = false } = options;
  return {
    command: 'search',
    strategy,
    budget,
    candidates,
    seed,
    ...(strategy === 'radin' && { lambda, sampler: samplers.join(), 'include-uniform': includeUniform }),
    explain,
    'versus-greedy': versusGreedy,
    ...commonFacts(options),
  };
}

/** The answer in text, on a terminal with the budget curve. @param wrote the last line */
function textOf(
  report: SearchReport,
  record: RunRecord,
  metric: Metric,
  { explain, quiet }: SearchOptions,
  wrote: string,
): string {
  const shown = quiet ? undefined : plotOptions(process.stdout, process.env);
  const plot = shown ? budgetPlot(report, metric, shown) : [];
  return [searchText(report, record, metric, explain), ...(plot.length > 0 ? ['', ...plot, ''] : []), wrote].join('\n');
}
