import {
  ADAPTIVE_SAMPLERS,
  adaptive,
  baseOf,
  type CallOptions,
  checkProposal,
  checkRacing,
  type Fingerprint,
  lossOfEverySoup,
  type Metric,
  type Mixture,
  printedReport,
  type RunRecord,
  raceTop,
  radin,
  type SearchOutcome,
  type SearchReport,
  type SplitScorer,
  type SplitStatistics,
  searchReport,
  searchText,
  splitStatistics,
} from '@radin/core';
import type { Command } from 'commander';
import { budgetPlot, plotOptions } from '../budget-plot.js';
import { type ChoiceFacts, choiceFacts } from '../choice-facts.js';
import { dryRun, planned } from '../dry-run.js';
import { type EstimateOptions, estimateFacts, estimateOptions, withEstimate } from '../estimate-options.js';
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
import { type CommandContext, cachePool, type OpenRun, recordOf, throwFirst, withProblem } from '../run-context.js';
import { commonFacts } from '../run-journal.js';
import { type ReportOptions, reportBeside, withReport, wroteLine } from '../run-report.js';
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
} from '../search-options.js';
import { cardScores, soupSources } from '../soup-output.js';
import { isOver, reportOnTest } from '../test-stage.js';
import { VERSION, VERSIONS } from '../versions.js';

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

export function addSearch(program: Command, context: CommandContext): void {
  const command = program
    .command('search')
    .description('find the best soup within a budget of full evaluations')
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
  const { signal, interruption, print, printJson } = context;
  const proposal = { ...proposalOptions(options), ...(strategy === 'adaptive' && { samplers: ADAPTIVE_SAMPLERS }) };
  const names = proposal.samplers.map(({ name }) => name);
  const plan = {
    mixtures: options.candidates * names.length + OTHER_MIXTURES,
    everySubset: names.includes('exhaustive'),
    racing: strategy === 'radin' ? options.budget : 0,
  };
  const run = async ({ problem, terminal, options: { metric, ...opened }, name, files, journal }: OpenRun) => {
    // Refuses what the sampler cannot do before the passes and not after them.
    const estimate = estimateOptions(options, metric, strategy);
    const ordering = strategy === 'radin' ? { ...proposal, estimate: baseOf(estimate, metric) } : proposal;
    checkProposal(problem.pool.size, ordering, metric);
    const racing = racingOptions(options, metric, strategy, problem.validation.wholeOnly);
    checkRacing(metric, racing, problem.validation.wholeOnly);
    const { budget, lambda } = options;
    if (options.dryRun) {
      const soups = budget + (options.versusGreedy ? problem.pool.size : 0);
      await dryRun(problem, { ...planned(options, name), strategy, soups, test: 2 }, terminal, context);
      return;
    }
    await journal?.begin({ ...runFacts(options, strategy, names, metric), racing: { ...racing } }, problem, terminal);
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
          estimate: estimateFacts(estimate, metric),
          sampler: proposal.samplers.map(({ name }) => name).join(),
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
      const scores = [
        ...cardScores(problem.validation, best.valScore),
        ...cardScores(tested?.scorer, tested?.choice.score),
      ];
      const card = { method: `radin search, method ${method}`, version: VERSION, scores };
      const soup = { mixture, card, choice, sources };
      return writeResults(options.out, problem, soup, { name: 'result.json', value }, { ...options, signal });
    };
    let results = await write();
    for (const notice of results.soup.notices) terminal.notice(`note: ${notice}`);
    if (!chosen.interrupted) await journal?.choose(result.method, mixture, problem);
    const tested = await reportOnTest(problem, terminal, context, (test, call) =>
      testChoice(test, mixture, chosen.facts, call),
    );
    terminal.finish();
    const interrupted = chosen.interrupted || tested.interrupted;
    const { found } = tested;
    if (found !== undefined || tested.interrupted) {
      results = await interruption.finishable(() => write(found, interrupted));
    }
    if (interrupted) {
      const evaluated = result.candidates.filter(({ score }, at) => at < result.evaluations && score !== undefined);
      const done =
        strategy === 'radin' && result.interrupted
          ? `${evaluated.length} whole`
          : `${result.evaluations === budget ? 'all' : `${result.evaluations} of`} ${budget}`;
      interruption.finished(
        `interrupted after ${done} evaluations; the best so far is in ${results.soup.paths.join(', ')} and ${results.json}; the same command goes on from there`,
      );
    }
    const { report, soup } = results;
    const record = recordOf(problem, terminal);
    // Before the page, for which there may be no time where the user asked to finish.
    if (options.json) printJson(printedReport(report, record));
    const { paths, failure } = await interruption.finishable(() => reportBeside(options.out, report, options));
    if (!interrupted && isOver(tested)) await journal?.finish(record);
    if (!options.json) {
      print(textOf(report, record, metric, options, wroteLine([...soup.paths, results.json, ...paths])));
    }
    throwFirst(interrupted ? undefined : lossOfEverySoup([result]), tested.failure, failure);
  };
  interruption.resumable = !options.dryRun;
  await withProblem(pool, { ...options, signal }, run, { plan, journaled: true });
}

/** Options on which a search's results depend, besides its race. */
function runFacts(
  options: SearchOptions,
  strategy: 'adaptive' | 'radin',
  samplers: readonly string[],
  metric: Metric,
): Fingerprint {
  const { budget, candidates, seed, lambda, includeUniform, explain = false, versusGreedy = false } = options;
  return {
    command: 'search',
    strategy,
    budget,
    candidates,
    seed,
    ...(strategy === 'radin' && { lambda, sampler: samplers.join(), 'include-uniform': includeUniform }),
    metric: metric.name,
    estimate: { ...estimateFacts(estimateOptions(options, metric, strategy), metric) },
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

/** What the test split says of the choice beside the best single model, and beside greedy's soup. */
interface TestedChoice {
  readonly scorer: SplitScorer;
  readonly choice: SplitStatistics;
  readonly greedy?: SplitStatistics;
}

async function testChoice(
  scorer: SplitScorer,
  soup: Mixture,
  { bestIndividual: single, greedy }: ChoiceFacts,
  call: CallOptions,
): Promise<TestedChoice> {
  const choice = await splitStatistics(scorer, soup, single.best.mixture, call);
  if (greedy === undefined) return { scorer, choice };
  return { scorer, choice, greedy: await splitStatistics(scorer, soup, greedy.result.best.mixture, call) };
}

/** The parts of the outcome to which test scores add. */
function testOutcome(
  { bestIndividual: single, statistics, pool, greedy }: ChoiceFacts,
  { choice, greedy: tested }: TestedChoice,
): Partial<SearchOutcome> {
  const testScores = new Map(single.best.mixture.ingredients.map((model) => [model, choice.otherScore] as const));
  return {
    testScore: choice.score,
    bestIndividualTestScore: choice.otherScore,
    statistics: { ...statistics, test: choice },
    pool: { ...pool, testScores },
    ...(greedy && tested && { greedy: { ...greedy, test: tested } }),
  };
}
