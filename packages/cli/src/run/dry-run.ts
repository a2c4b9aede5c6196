import { tmpdir } from 'node:os';
import { formatBytes, type InspectedSplit, namedInputs, type Problem, predictRun, timePass } from '@radin/core';
import type { PoolOptions } from '../options/options.js';
import { freeBytes } from '../output/disk-space.js';
import { splitText } from '../terminal/split-text.js';
import type { Terminal } from '../terminal/terminal.js';
import type { CommandContext } from './run-context.js';

/** What a run would do, which its command knows. */
export interface PlannedRun {
  readonly name: string | undefined;
  readonly strategy: string;
  /** Most soups that are evaluated. */
  readonly soups: number;
  /** Passes over the test split, of models and soups. */
  readonly test: number;
  readonly cached: boolean;
  readonly out: string;
  readonly maxMemory: number | undefined;
  readonly json: boolean;
}

interface PlannedSplit extends InspectedSplit {
  /** Whether it is not open, and `samples` an estimate from the sizes of its files. */
  readonly estimated?: boolean;
}

/** What the options say of a planned run. */
export function planned(
  { cache, out, maxMemory, json }: PoolOptions & { readonly out: string },
  name: string | undefined,
): Pick<PlannedRun, 'name' | 'cached' | 'out' | 'maxMemory' | 'json'> {
  return { name, cached: cache !== false, out, maxMemory, json: json === true };
}

/** Says what a run would evaluate and take. Cost: a part of one pass and, where logits of earlier runs are kept, one read of the models. */
export async function dryRun(
  problem: Problem,
  run: PlannedRun,
  terminal: Terminal,
  { signal, print, printJson }: CommandContext,
): Promise<void> {
  const { pool, validation, memory } = problem;
  const isGiven = validation.hasGivenLogits;
  const remembered = isGiven ? 0 : await problem.rememberedModels({ signal });
  const kept = run.cached && !isGiven;
  // A program would evaluate the whole split, for as long as that takes.
  const timed = memory.sizes.byPrograms
    ? undefined
    : await timePass(validation, memory.shares?.atOnce ?? memory.sizes.threads, signal);
  terminal.finish();
  const { soups, cached, maxMemory } = run;
  // What its files hold is left for after the choice, and estimated here.
  const { unopenedTest } = problem;
  const test = unopenedTest === undefined ? 0 : run.test;
  const passes = { models: isGiven ? 0 : pool.size, remembered, soups, test };
  const atTest = (unopenedTest?.rows ?? 0) / validation.samples;
  const seconds = timed && (passes.models - remembered + soups + test * atTest) * timed.seconds;
  const { disk, peakMemory } = predictRun(memory.sizes, memory.shares, kept);
  const predicted = {
    ...(memory.predicted && { peakMemory }),
    disk,
    ...(seconds !== undefined && { seconds: Number(seconds.toPrecision(2)) }),
  };
  const opened = [...problem.scorers].map(([name, { split }]): InspectedSplit => {
    const { dtype, shape, all } = split.inputs;
    // Where only a program knows the inputs, they have no elements.
    return {
      name,
      samples: shape[0] as number,
      ...(!shape.slice(1).includes(0) && { shape, dtype, ...namedInputs(all) }),
    };
  });
  const unopened = unopenedTest && { name: 'test' as const, samples: unopenedTest.samples, estimated: true };
  const splits: PlannedSplit[] = unopened === undefined ? opened : [...opened, unopened];
  const free = await freeBytes(run.out);
  if (run.json) {
    printJson({
      dryRun: true,
      pool: {
        ...(run.name !== undefined && { name: run.name }),
        models: pool.ids,
        samples: validation.samples,
        classes: memory.sizes.classes,
        weightBytes: memory.sizes.weightBytes,
      },
      splits: splits.map(withShapesOfSamples),
      strategy: run.strategy,
      passes,
      predicted,
      ...(timed && { timedSamples: timed.samples }),
      ...(maxMemory !== undefined && { maxMemory, threads: memory.shares?.atOnce }),
      ...(free !== undefined && { freeDisk: free }),
      notices: problem.notices,
    });
    return;
  }
  const inFile = memory.shares !== undefined && disk > predictRun(memory.sizes, undefined, kept).disk;
  print(
    [
      `models   ${pool.size} of ${formatBytes(memory.sizes.weightBytes)}, and ${memory.sizes.classes} classes`,
      ...splits.map(({ estimated, ...split }) => {
        const about = estimated ? ['about ', ", by its files' sizes: it is read after the choice"] : ['', ''];
        return `${split.name.padEnd(10)} ${about.join(splitText(split))}`;
      }),
      `passes   ${passes.models} for the models' logits${isGiven ? ', which are given' : ''}${remembered > 0 ? `, of which ${remembered} are remembered` : ''}; at most ${soups} soups (${run.strategy})${test > 0 ? `; ${test} on the test split` : ''}`,
      `memory   ${memory.predicted ? `at most ${formatBytes(peakMemory)}` : "what the evaluator's command takes, and this process"}${maxMemory === undefined ? '' : ` within ${formatBytes(maxMemory)}, ${memory.shares?.atOnce} threads`}`,
      `disk     ${formatBytes(disk)}${inFile ? `, with logits in a temporary file${cached ? '' : ` in ${tmpdir()}`}` : ''}${free === undefined ? '' : `; ${formatBytes(free)} are free for ${run.out}`}`,
      timed === undefined
        ? "time     unknown: the evaluator's command evaluates whole splits, and was not run"
        : `time     about ${duration(seconds as number)} for the passes, from ${timed.samples} samples of ${pool.ids[0]}; races end passes early`,
      'dry run: nothing was written',
    ].join('\n'),
  );
}

/** As a dry run tells it: the shape of an input is that of one sample. */
function withShapesOfSamples({ shape, inputs, ...split }: PlannedSplit) {
  return {
    ...split,
    ...(shape && { shape: shape.slice(1) }),
    ...(inputs && { inputs: inputs.map((input) => ({ ...input, shape: input.shape.slice(1) })) }),
  };
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Number(seconds.toPrecision(2))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Number((seconds / 3600).toPrecision(2))} h`;
}
