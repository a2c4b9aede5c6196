import { availableParallelism, tmpdir } from 'node:os';
import {
  ApproxScorer,
  alignColumns,
  backendNamed,
  baseOf,
  checkLabels,
  checkProposal,
  describeCandidate,
  type Explanation,
  explainEnsemble,
  explanationReport,
  explanationText,
  formatScore,
  type Labels,
  LogitsStore,
  logitsBytes,
  type Metric,
  MULTI_CLASS,
  metricTitle,
  modelId,
  outputsAreProbabilities,
  poolLogits,
  RadinError,
  type Ranking,
  type RunSizes,
  rankProposal,
  type Sampler,
  scoredShape,
  scoringMemory,
  scoringReport,
  singleScores,
  type TaskName,
  withLogitsFiles,
} from '@radin/core';
import type { Command } from 'commander';
import { type CommonOptions, withCommonOptions } from '../options/common-options.js';
import { type EstimateOptions, estimateFacts, estimateOptions, withEstimate } from '../options/estimate-options.js';
import { nonNegative } from '../options/option-values.js';
import {
  type ComputeOptions,
  type MemoryOptions,
  withComputeOptions,
  withMaxMemory,
  withTask,
} from '../options/options.js';
import {
  type CandidateOptions,
  type ExplainOptions,
  proposalOptions,
  topCount,
  withCandidateOptions,
  withExplain,
} from '../options/search-options.js';
import { checkSpace } from '../output/disk-space.js';
import { chooseMetric, metricFlag } from '../pool/metric-choice.js';
import { scoredLogits } from '../pool/scored-logits.js';
import type { CommandContext } from '../run/run-context.js';
import { tellingPeak } from '../run/tell-peak.js';
import { ASKED } from '../terminal/explain.js';
import type { PeakMemory } from '../terminal/peak-notice.js';
import { Terminal } from '../terminal/terminal.js';

/** Candidates printed unless `--top` asks for fewer. */
const MOST_PRINTED = 1000;

interface ScoreOptions
  extends CommonOptions,
    ComputeOptions,
    MemoryOptions,
    CandidateOptions,
    EstimateOptions,
    ExplainOptions {
  readonly logits?: readonly string[];
  readonly labels?: string;
  readonly groups?: string;
  readonly task?: TaskName;
  readonly ignoreIndex?: number;
  readonly lambda: number;
  readonly top: number;
}

export function addScore(command: Command, context: CommandContext): void {
  command
    .argument('[pool]', 'folder with a radin.yaml that names logits and labels, or that file')
    .option(
      '--logits <patterns...>',
      'cached logits, one .npy of shape [samples, classes], or as the task has them, for each model (default: those of the pool)',
    )
    .option(
      '--labels <file>',
      'class indices, .npy of shape [samples], or one-hot, or as the task has them; also .npz or file.npz:name (default: the pool’s)',
    )
    .option('--groups <file>', 'the group of each sample, integers, for worst-group-accuracy')
    .option('--lambda <L>', 'prior for larger subsets, added to the score for each model', nonNegative, 0)
    .option('--top <K>', 'candidates to print, best first', topCount, MOST_PRINTED);
  withCommonOptions(
    withTask(withExplain(withMaxMemory(withComputeOptions(withCandidateOptions(withEstimate(command, false)))))),
  )
    .addHelpText(
      'after',
      "\nExample:\n  radin score --logits 'logits/*.npy' --labels val_labels.npy --sampler exhaustive --top 10",
    )
    .action((pool: string | undefined, options: ScoreOptions) => score(pool, options, context));
}

async function score(
  pool: string | undefined,
  options: ScoreOptions,
  { signal, print, printJson }: CommandContext,
): Promise<void> {
  const proposal = proposalOptions(options);
  const backend = backendNamed(options.backend);
  const { task, metric: configured, read } = await scoredLogits(pool, options);
  const metric = await chooseMetric(metricFlag(options.metric) ?? configured, task.name);
  const chosen = estimateOptions(options, metric, 'radin');
  const estimate = baseOf(chosen, metric);
  const { paths, labels } = await read();
  const terminal = new Terminal(options, metric);
  const ids = paths.map(modelId);
  const repeated = ids.find((id, index) => ids.indexOf(id) < index);
  if (repeated !== undefined) {
    throw new RadinError('CONFIG', `Expected each logits file's name to be used once but found two called ${repeated}`);
  }
  if (metric.needsGroups && labels.groups === undefined) {
    throw new RadinError('CONFIG', `Expected --groups, the group of each sample, for ${metric.name} but found none`);
  }
  const limited = await limitedTo(options, proposal.samplers, metric, paths, labels);
  const { ranking, shape, explanation } = await tellingPeak(limited.limits, terminal, () =>
    withLogitsFiles(
      paths,
      async (logits) => {
        const { values, targets, groups } = labels;
        const cache = poolLogits(ids, logits, values, { ...(targets && { targets }), ...(groups && { groups }) });
        const { samples, classes } = cache;
        checkLabels(labels, classes);
        const probabilities = await outputsAreProbabilities(cache, task.name, signal);
        if (probabilities !== undefined) terminal.notice(`warning: ${probabilities}`);
        checkProposal(ids.length, { ...proposal, estimate }, metric);
        const { threads } = limited;
        const scorer = await ApproxScorer.open(cache, { metric, backend, signal, ...(threads && { threads }) });
        try {
          const { lambda, top: keep } = options;
          const call = { signal, onProgress: terminal.onProgress };
          const ranked = await rankProposal(
            ids.length,
            { ...proposal, ...call, estimate, lambda, keep },
            async () => scorer,
          );
          return {
            ranking: ranked,
            shape: {
              models: ids.length,
              samples,
              classes,
              ...(task.name !== MULTI_CLASS.name && { task: task.name }),
            },
            explanation: options.explain && (await explain(scorer, ranked, proposal.seed, signal)),
          };
        } finally {
          scorer.close();
        }
      },
      { labels, ...limited.rows },
    ).finally(() => limited.rows?.store.close()),
  );
  terminal.finish();
  for (const notice of ranking.notices) terminal.notice(`note: ${notice}`);
  const { scored } = ranking;
  const candidates = ranking.candidates.slice(0, options.top).map((candidate) => describeCandidate(candidate, ids));
  const explained = explanation && explanationReport(explanation, ids);
  if (options.json) {
    printJson({
      pool: shape,
      candidates,
      scored,
      lambda: options.lambda,
      estimate: estimateFacts(chosen, metric),
      sampler: proposal.samplers.map(({ name }) => name).join(),
      seed: proposal.seed,
      backend: backend.name,
      metric: metric.name,
      ...scoringReport(metric),
      ...(explained && { explanation: explained }),
    });
    return;
  }
  const isMetric = candidates.every((candidate) => candidate.estimate === undefined);
  const table = alignColumns([
    [
      'rank',
      scoringReport(metric).scoring === undefined ? 'approx. score' : `approx. ${metricTitle(metric)}`,
      ...(isMetric ? [] : [estimate.name]),
      'models',
      '',
    ],
    ...candidates.map((candidate) => [
      String(candidate.rank),
      formatScore(candidate.approxScore, metric),
      ...(isMetric ? [] : [(candidate.estimate as number).toFixed(5)]),
      String(candidate.models.length),
    ]),
  ]);
  const named = table.map((line, row) => (row === 0 ? line : `${line}  ${candidates[row - 1]?.models.join(' ')}`));
  const shown = `${candidates.length} of ${scored} scored candidates shown`;
  print([...named, '', shown, ...(explained ? ['', ...explanationText(explained, metric)] : [])].join('\n'));
}

/** How scoring keeps to `--max-memory`, where it is there. */
interface Limited {
  readonly threads: number | undefined;
  readonly limits?: Pick<PeakMemory, 'predicted' | 'allowed'>;
  /** Where rows are kept that are not in the files as they are scored. */
  readonly rows?: { readonly store: LogitsStore; readonly asFloat32: boolean };
}

/** The threads that the options ask for, or as many of them as --max-memory leaves room for. @throws RadinError where that is none */
async function limitedTo(
  { threads, maxMemory, candidates }: ScoreOptions,
  samplers: readonly Sampler[],
  metric: Metric,
  paths: readonly string[],
  labels: Labels,
): Promise<Limited> {
  if (maxMemory === undefined) return { threads };
  const models = paths.length;
  const asFloat32 = metric.measure.kind === 'predictions';
  const { samples, classes, reading } = await scoredShape(paths[0] as string, { labels, asFloat32 });
  const sizes: RunSizes = {
    models,
    classes,
    threads: threads ?? availableParallelism(),
    splits: [{ rows: samples, ofAllModels: true }],
    mixtures: candidates * samplers.length,
    everySubset: models <= MOST_EXHAUSTIVE && samplers.some(({ name }) => name === 'exhaustive'),
    weightBytes: 0,
    graphBytes: 0,
    racing: 0,
  };
  const shares = scoringMemory(maxMemory, sizes, { reading, averages: asFloat32 });
  if (reading > 0 && logitsBytes(sizes) > shares.logits) {
    await checkSpace(tmpdir(), logitsBytes(sizes), "the models' logits, which --max-memory leaves no room for,");
  }
  return {
    threads: shares.threads,
    limits: { predicted: shares.peakMemory, allowed: maxMemory },
    rows: { store: new LogitsStore({ models, mostBytes: shares.logits, folder: tmpdir() }), asFloat32 },
  };
}

/** Models up to which a number is kept for each subset. */
const MOST_EXHAUSTIVE = 24;

/** What the models are worth to the ensemble; inclusion is among the listed candidates where not all subsets are scored. */
async function explain(
  scorer: ApproxScorer,
  { candidates }: Ranking,
  seed: number,
  signal: AbortSignal,
): Promise<Explanation> {
  const { ensemble } = scorer;
  const scores = await singleScores(ensemble, signal);
  return { ensemble: await explainEnsemble(ensemble, scores, { ...ASKED, seed, candidates, signal }) };
}
