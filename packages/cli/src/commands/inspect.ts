import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  accuracy,
  inspectProblem,
  MULTI_CLASS,
  modelFile,
  modelFileIn,
  Problem,
  type ProblemInspection,
  type ProblemOptions,
  RadinError,
} from '@radin/core';
import type { Command } from 'commander';
import { type CommonOptions, withCacheFolder, withCommonOptions } from '../options/common-options.js';
import { type MemoryOptions, type StateDictOptions, withMaxMemory, withStateDict } from '../options/options.js';
import { fileText, inspectFile } from '../pool/inspected-file.js';
import { resolvePool } from '../pool/pool-files.js';
import { openCache } from '../run/cache-folder.js';
import { modelPredictions, predictionsText, withPredictions } from '../run/model-predictions.js';
import type { CommandContext } from '../run/run-context.js';
import { LargestStep, tellingPeak } from '../run/tell-peak.js';
import { inspectionText } from '../terminal/inspection-text.js';
import { Terminal } from '../terminal/terminal.js';

interface InspectOptions extends CommonOptions, MemoryOptions, StateDictOptions {
  readonly quick?: true;
  readonly disagreement?: true;
  /** False for `--no-cache`. */
  readonly cache?: string | false;
  readonly init?: string;
}

export function addInspect(command: Command, context: CommandContext): void {
  command
    .argument(
      '<path>',
      'a pool (folder with a radin.yaml) or a .safetensors, .safetensors.index.json, .pt, .onnx, .npy, .npz or .yaml file, or the folder of a model',
    )
    .option(
      '--quick',
      'of a pool, read headers only: in seconds, whatever its size; finds no NaN, duplicates or distances',
    )
    .option(
      '--init <file>',
      'the checkpoint that the models of a pool were fine-tuned from: distances and angles from it',
    );
  withCacheFolder(
    command.option(
      '--disagreement',
      'also evaluate every model of a pool on the validation samples: accuracy, and how often two differ',
    ),
  ).option('--no-cache', 'use no results of earlier runs and keep none of this one');
  withCommonOptions(withMaxMemory(withStateDict(command)))
    .addHelpText('after', '\nExample:\n  radin inspect examples/digits')
    .action((path: string, options: InspectOptions) => inspect(path, options, context));
}

async function inspect(path: string, options: InspectOptions, context: CommandContext): Promise<void> {
  const { json, stateDict } = options;
  const { print, printJson } = context;
  const status = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new RadinError('FILE', `Expected a pool or a file but found: ${error.code ?? error.message} at ${path}`);
  });
  if (status.isDirectory() && (existsSync(join(path, 'radin.yaml')) || !(await modelFileIn(path)))) {
    await inspectPool(path, options, context);
  } else {
    const inspected = await inspectFile(await modelFile(path), stateDict);
    if (json) printJson(inspected);
    else print(fileText(inspected));
  }
}

async function inspectPool(path: string, options: InspectOptions, context: CommandContext): Promise<void> {
  const { json, quick, disagreement, init, stateDict, maxMemory, cache: cacheOption } = options;
  const { signal, print, printJson } = context;
  if (quick && disagreement) throw new RadinError('CONFIG', 'Expected --quick or --disagreement but found both');
  const { files } = await resolvePool(path, { stateDict, ...(init && { init }) });
  if (disagreement && files.task !== undefined && files.task.name !== MULTI_CLASS.name) {
    throw new RadinError(
      'CONFIG',
      `Expected the task ${MULTI_CLASS.name} with --disagreement but found ${files.task.name}`,
    );
  }
  const terminal = new Terminal(options, accuracy);
  const steps = maxMemory === undefined ? undefined : new LargestStep(maxMemory);
  const limit = maxMemory === undefined ? {} : { maxMemory };
  await tellingPeak(steps, terminal, async (meter) => {
    const cache = disagreement ? await openCache(cacheOption, (text) => terminal.notice(text)) : undefined;
    const looking = { backend: 'auto', ...limit, ...(steps && { onPrediction: steps.add }), signal };
    const running: ProblemOptions = {
      metric: accuracy,
      backend: 'auto',
      splits: ['validation'],
      ...limit,
      ...(meter && { meter }),
      ...(cache && { cache }),
    };
    // A limit that is too small for the passes is told before the weights are read.
    if (disagreement && steps && isSound(await inspectProblem(files, { ...looking, quick: true }))) {
      await (await Problem.open(files, running)).dispose();
    }
    const inspection = await inspectProblem(files, { ...looking, ...(quick && { quick }) });
    if (!disagreement || !isSound(inspection)) {
      if (json) printJson(inspection);
      else print(inspectionText(inspection));
      return;
    }
    const problem = await Problem.open(files, running);
    try {
      steps?.add(problem.memory.predicted?.peakMemory);
      await problem.validation.cache({ signal, onProgress: terminal.onProgress });
      terminal.finish();
      const predictions = await modelPredictions(problem, signal);
      const found = withPredictions(inspection, predictions, problem.validation.samples);
      if (json) printJson(found);
      else print([inspectionText(found), '', ...predictionsText(predictions)].join('\n'));
    } finally {
      terminal.finish();
      await problem.dispose();
    }
  });
}

function isSound({ models, problems }: ProblemInspection): boolean {
  return problems.length === 0 && models.every((model) => model.problems.length === 0);
}
