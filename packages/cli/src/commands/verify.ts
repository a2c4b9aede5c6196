import {
  averageMemory,
  backendNamed,
  defaultMetric,
  limitedBackend,
  type MemoryMeter,
  type Metric,
  MULTI_CLASS,
  metricNamed,
  type NamedSoup,
  nameSoup,
  quote,
  RadinError,
  type SoupSources,
  TASKS,
  type Verification,
  verifyScores,
  verifySoup,
} from '@radin/core';
import type { Command } from 'commander';
import { type CommonOptions, withCommonOptions } from '../options/common-options.js';
import {
  BASE,
  type ComputeOptions,
  type MemoryOptions,
  withComputeOptions,
  withMaxMemory,
} from '../options/options.js';
import { soupSources } from '../output/soup-output.js';
import { expandModels } from '../pool/expand.js';
import { chooseMetric, type MetricChoice, metricFlag } from '../pool/metric-choice.js';
import { type ResolvedPool, resolvePool } from '../pool/pool-files.js';
import type { CommandContext } from '../run/run-context.js';
import { LargestStep, tellingPeak } from '../run/tell-peak.js';
import { Terminal } from '../terminal/terminal.js';

interface VerifyCommandOptions extends CommonOptions, ComputeOptions, MemoryOptions {
  readonly pool?: string;
  readonly models?: readonly string[];
  readonly base?: string;
  readonly scores?: true;
}

export function addVerify(command: Command, context: CommandContext): void {
  command
    .argument('<soup>', 'a soup: a file, an index of shards or a model folder; or the folder of a run')
    .option(
      '--pool <pool>',
      "where the ingredients, and the splits' data, are: a folder with a radin.yaml, or that file",
    )
    .option('--models <patterns...>', 'where the ingredients are, by their ids, in place of what the lock says')
    .option(...BASE)
    .option('--scores', 'also evaluate the soup again and compare the scores');
  withCommonOptions(withMaxMemory(withComputeOptions(command)))
    .addHelpText('after', '\nExample:\n  radin verify radin-out')
    .action((soup: string, options: VerifyCommandOptions) => verify(soup, options, context));
}

async function verify(soup: string, options: VerifyCommandOptions, context: CommandContext): Promise<void> {
  const { print, printJson } = context;
  const terminal = new Terminal(options, defaultMetric(MULTI_CLASS.name));
  const named = await nameSoup(soup);
  const steps = options.maxMemory === undefined ? undefined : new LargestStep(options.maxMemory);
  const verification = await tellingPeak(steps, terminal, (meter) =>
    verificationOf(named, options, context, terminal, { steps, meter }),
  );
  terminal.finish();
  const { checks, differing } = verification;
  if (options.json) printJson(verification);
  else {
    const lines = [...checks, ...(differing === undefined ? [`verified ${verification.soup}`] : [])];
    if (lines.length > 0) print(lines.join('\n'));
  }
  if (differing !== undefined) throw new RadinError('PROVENANCE', differing.message);
}

async function verificationOf(
  named: NamedSoup,
  options: VerifyCommandOptions,
  context: CommandContext,
  terminal: Terminal,
  { steps, meter }: { readonly steps: LargestStep | undefined; readonly meter: MemoryMeter | undefined },
): Promise<Verification & { readonly scores?: Readonly<Record<string, number>> }> {
  const { signal } = context;
  const { pool: poolName, threads, maxMemory } = options;
  const pool = poolName === undefined ? undefined : await resolvePool(poolName, {});
  const models = await namedModels(options, pool, context);
  const [base] = options.base === undefined ? [] : await expandModels([options.base], '.', 'flag --base', { signal });
  // With a pool its files count, also where the lock names others.
  const sources = sourcesOf(named, pool, base);
  const backend = backendNamed(options.backend);
  const running = {
    ...(threads && { threads }),
    ...(maxMemory !== undefined && { maxMemory }),
    ...(meter && { meter }),
    ...(steps && { onPrediction: steps.add }),
    ...(sources && { sources }),
    signal,
  };
  const averages = maxMemory === undefined ? undefined : averageMemory(maxMemory, named.record.models.length);
  steps?.add(averages?.peakMemory);
  const found = await verifySoup(named, {
    ...running,
    backend: averages === undefined ? backend : limitedBackend(backend, averages.work),
    ...(models && { models }),
  });
  const scored =
    options.scores && found.verified
      ? await verifyScores(named, {
          ...running,
          metric: await recordedMetric(named, options.metric, pool?.metric),
          backend: options.backend,
          ...(pool?.files.evaluator && { evaluator: pool.files.evaluator }),
          notice: (line) => terminal.notice(`note: ${line}`),
        })
      : undefined;
  const checks = [...found.checks];
  if (scored !== undefined && scored.differing === undefined) {
    const scores = Object.entries(scored.scores).map(([split, score]) => `${split} ${score}`);
    checks.push(`the scores are the recorded ones: ${scores.join(', ')}`);
  }
  const differing = found.differing ?? scored?.differing;
  return {
    ...found,
    checks,
    verified: differing === undefined,
    ...(scored && { scores: scored.scores }),
    ...(differing && { differing }),
  };
}

async function namedModels(
  { models }: VerifyCommandOptions,
  pool: ResolvedPool | undefined,
  { signal }: CommandContext,
): Promise<readonly string[] | undefined> {
  if (models !== undefined) return expandModels(models, '.', 'flag --models', { signal });
  return pool?.files.models;
}

/** Undefined where the lock, or nothing, says it. */
function sourcesOf(
  { sources }: NamedSoup,
  pool: ResolvedPool | undefined,
  base: string | undefined,
): SoupSources | undefined {
  if (pool === undefined && base === undefined) return undefined;
  return {
    ...(pool && soupSources(pool.files, sources)),
    ...(base !== undefined && { base }),
  };
}

/**
 * The metric that the record names. A module of the user's is loaded only where the command line, or the pool that it names, says so.
 * @throws RadinError where that is another metric
 */
async function recordedMetric(
  { soup, record: { metric: name = 'accuracy', task = MULTI_CLASS.name } }: NamedSoup,
  flag: string | undefined,
  ofPool: MetricChoice | undefined,
): Promise<Metric> {
  const known = TASKS.find((one) => one === task);
  if (known === undefined) {
    throw new RadinError('FORMAT', `Expected one of the tasks ${TASKS.join(', ')} but found ${quote(task)} of ${soup}`);
  }
  const own = metricNamed(name, known);
  if (own !== undefined) return own;
  const choice = metricFlag(flag) ?? ofPool;
  const metric = choice && (await chooseMetric(choice, known));
  if (metric?.name === name) return metric;
  throw new RadinError(
    'CONFIG',
    `Expected --metric, or that of --pool, to be the recorded ${quote(name)} but found ${metric === undefined ? 'none' : quote(metric.name)}`,
  );
}
