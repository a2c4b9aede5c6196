import {
  ADAPTIVE_SAMPLERS,
  adaptive,
  type BatchNormReport,
  baseOf,
  bestIndividual,
  type ChoiceStatistics,
  checkProposal,
  checkRacing,
  estimateWinnersCurse,
  type Fingerprint,
  type Metric,
  type Problem,
  type ProblemOptions,
  raceTop,
  radin,
  type SearchReport,
  type SearchResult,
  searchReport,
  searchText,
  soupLoses,
  splitStatistics,
  unlessStopped,
} from '@radin/core';
import type { Command } from 'commander';
import { budgetPlot, plotOptions } from '../budget-plot.js';
import { dryRun, planned } from '../dry-run.js';
import { type EstimateOptions, estimateFacts, estimateOptions, withEstimate } from '../estimate-options.js';
import { explainSearch, versusGreedy } from '../explain.js';
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
import { cardFacts } from '../soup-output.js';
import type { Terminal } from '../terminal.js';
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
    racing: strategy === 'radin',
  };
  const run = async (
    problem: Problem,
    terminal: Terminal,
    { metric }: ProblemOptions,
    name: string | undefined,
    journal?: RunJournal,
  ) => {
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
    const single = await bestIndividual(problem.validation, { signal });
    if (!result.interrupted && soupLoses(result, single)) {
      terminal.notice(
        `note: no soup that was evaluated scores as high as the single model ${single.best.mixture.ingredients.map((index) => facts.models[index])}`,
      );
    }
    const batchNorm = await interruption.finishable((stop) => describeBatchNorm(problem, result, stop, signal));
    const { interrupted: early, ...statistics } = await interruption.finishable((stop) =>
      reportingStatistics(problem, result, single, proposal.seed, terminal, signal, stop),
    );
    const { test } = statistics;
    const explain = options.explain ?? false;
    const more = await interruption.finishable((stop) =>
      unlessStopped(stop, async () => {
        stop.throwIfAborted();
        const either = AbortSignal.any([signal, stop]);
        const greedy = options.versusGreedy && (await versusGreedy(problem, result, terminal, either));
        const seed = proposal.seed;
        const explained = await explainSearch(problem, result, single, { explain, seed, signal: either });
        return { ...explained, ...(greedy && { greedy }) };
      }),
    );
    const interrupted = early || more === undefined;
    terminal.finish();
    const tested = new Map(test && single.best.mixture.ingredients.map((model) => [model, test.otherScore] as const));
    // An interruption must not lose what is known by now.
    const findings = await interruption.finishable(() => poolFindings(problem, tested, signal));
    const found = searchReport(
      {
        result,
        bestIndividual: single,
        ...(test && { testScore: test.score, bestIndividualTestScore: test.otherScore }),
        statistics,
        ...more,
        pool: findings,
        ...(batchNorm && { batchNorm }),
      },
      {
        pool: { ...(name !== undefined && { name }), ...facts },
        budget,
        lambda,
        estimate: estimateFacts(estimate, metric),
        sampler: proposal.samplers.map(({ name }) => name).join(),
        seed: proposal.seed,
        racing: racing.mode,
        interrupted,
        backend: problem.backend.name,
        metric,
        reused: problem.validation.reused,
        timings: terminal.timings,
        versions: VERSIONS,
      },
    );
    const json = { name: 'result.json', value: found };
    const card = cardFacts(`radin search, method ${found.method}`, problem, metric, {
      validation: found.best.valScore,
      test: found.best.testScore,
    });
    const results = await writeResults(options.out, problem, result.best.mixture, json, card, { ...options, signal });
    const { report, ...written } = results;
    for (const notice of written.notices) terminal.notice(`note: ${notice}`);
    if (interrupted) {
      const evaluated = result.candidates.filter(({ score }, at) => at < result.evaluations && score !== undefined);
      const done =
        strategy === 'radin' && result.interrupted
          ? `${evaluated.length} whole`
          : `${result.evaluations === budget ? 'all' : `${result.evaluations} of`} ${budget}`;
      interruption.finished(
        `interrupted after ${done} evaluations; the best so far is in ${written.soups.join(', ')} and ${written.json}; the same command goes on from there`,
      );
    }
    const { paths, failure } = await interruption.finishable(() => reportBeside(options.out, report, options));
    if (!interrupted)
      await journal?.finish({ backend: problem.backend.name, reused: { ...report.reused }, timings: terminal.timings });
    if (options.json) printJson(report);
    else print(textOf(report, metric, options, wroteLine([...written.soups, written.json, ...paths])));
    if (failure !== undefined) throw failure;
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
function textOf(report: SearchReport, metric: Metric, { explain, quiet }: SearchOptions, wrote: string): string {
  const shown = quiet ? undefined : plotOptions(process.stdout, process.env);
  const plot = shown ? budgetPlot(report, metric, shown) : [];
  return [searchText(report, metric, explain), ...(plot.length > 0 ? ['', ...plot, ''] : []), wrote].join('\n');
}

/** What the splits say of the soup and the single model; test and held-out samples only report, and are left out once `stop` is aborted. */
async function reportingStatistics(
  { validation, test, heldOut }: Problem,
  result: SearchResult,
  single: SearchResult,
  seed: number,
  terminal: Terminal,
  signal: AbortSignal,
  stop: AbortSignal,
): Promise<ChoiceStatistics & { readonly interrupted: boolean }> {
  const [soup, other] = [result.best.mixture, single.best.mixture];
  const options = { signal: AbortSignal.any([signal, stop]), onProgress: terminal.onProgress };
  const winnersCurse = await estimateWinnersCurse(validation, result, seed, { signal });
  const onValidation = await splitStatistics(validation, soup, other, { signal });
  const reported = await unlessStopped(stop, async () => {
    stop.throwIfAborted();
    return {
      ...(test && { test: await splitStatistics(test, soup, other, options) }),
      ...(heldOut && { heldOut: await splitStatistics(heldOut, soup, other, options) }),
    };
  });
  return {
    validation: onValidation,
    ...reported,
    ...(winnersCurse !== undefined && { winnersCurse }),
    interrupted: reported === undefined,
  };
}

/** What was done about BatchNorm, and what the best soup would score without it: one more pass, left out once `stop` is aborted. */
async function describeBatchNorm(
  { soups, validation }: Problem,
  { best: { mixture } }: SearchResult,
  stop: AbortSignal,
  signal: AbortSignal,
): Promise<BatchNormReport | undefined> {
  const { estimator } = soups;
  if (estimator === undefined) return undefined;
  const averaged =
    mixture.size === 1
      ? undefined
      : await unlessStopped(stop, () =>
          validation.evaluate(soups.average(mixture), { signal: AbortSignal.any([signal, stop]) }),
        );
  const { layers, samples, passes } = estimator;
  return { layers, samples, passes, ...(averaged && { averagedScore: averaged.score }) };
}
