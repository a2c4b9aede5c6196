import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import {
  accuracy,
  alignColumns,
  arrayNames,
  FileCheckpoint,
  formatShape,
  inspectProblem,
  MULTI_CLASS,
  modelFile,
  modelFileIn,
  modelId,
  openAnyOnnx,
  Problem,
  type ProblemInspection,
  type ProblemOptions,
  RadinError,
  readArray,
  readNpy,
  type TensorFormat,
  tensorFormat,
  tensorSha256,
} from '@radin/core';
import type { Command } from 'commander';
import { type CommonOptions, withCacheFolder, withCommonOptions } from '../options/common-options.js';
import { type MemoryOptions, type StateDictOptions, withMaxMemory, withStateDict } from '../options/options.js';
import { resolvePool } from '../pool/pool-files.js';
import { openCache } from '../run/cache-folder.js';
import { modelPredictions, predictionsText, withPredictions } from '../run/model-predictions.js';
import type { CommandContext } from '../run/run-context.js';
import { LargestStep, tellingPeak } from '../run/tell-peak.js';
import { inspectionText } from '../terminal/inspection-text.js';
import { Terminal } from '../terminal/terminal.js';

const HASHED_AT_ONCE = 2 ** 30;

interface InspectOptions extends CommonOptions, MemoryOptions, StateDictOptions {
  readonly quick?: true;
  readonly disagreement?: true;
  /** False for `--no-cache`. */
  readonly cache?: string | false;
  readonly init?: string;
}

interface InspectedTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Of the values; absent where they are in another file. */
  readonly sha256?: string;
}

interface InspectedFile {
  readonly file: string;
  readonly format: TensorFormat | 'npy' | 'npz' | 'radin.yaml';
  readonly tensors: readonly InspectedTensor[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly config?: unknown;
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

async function inspectFile(path: string, stateDict: string | undefined): Promise<InspectedFile> {
  const format = await formatOf(path);
  switch (format) {
    case 'npy': {
      const { dtype, shape, data } = await readNpy(path);
      return { file: path, format: 'npy', tensors: [{ name: modelId(path), dtype, shape, sha256: sha256(data) }] };
    }
    case 'npz': {
      const tensors: InspectedTensor[] = [];
      for (const name of await arrayNames(path)) {
        const { dtype, shape, data } = await readArray(`${path}:${name}`);
        tensors.push({ name, dtype, shape, sha256: sha256(data) });
      }
      return { file: path, format: 'npz', tensors };
    }
    case 'onnx':
      return inspectOnnx(path);
    case 'radin.yaml':
      return {
        file: path,
        format: 'radin.yaml',
        tensors: [],
        config: (await (await import('../pool/config.js')).loadConfig(path)).config,
      };
    case 'safetensors':
    case 'pytorch':
      return inspectCheckpoint(path, format, stateDict);
  }
}

/** Lists all initializers, those that are no weights too. */
async function inspectOnnx(path: string): Promise<InspectedFile> {
  const file = await openAnyOnnx(path);
  try {
    const infos = new Map(file.tensors.map((tensor) => [tensor.name, tensor]));
    const tensors: InspectedTensor[] = [];
    for (const { name, dtype, shape, data } of file.graph.initializers) {
      const info = infos.get(name);
      const digest = info
        ? await tensorSha256({ id: path, tensors: [], read: file.read.bind(file) }, info)
        : data && sha256(data);
      tensors.push({ name, dtype, shape, ...(digest && { sha256: digest }) });
    }
    return { file: path, format: 'onnx', tensors };
  } finally {
    await file.close();
  }
}

async function inspectCheckpoint(
  path: string,
  format: TensorFormat,
  stateDict: string | undefined,
): Promise<InspectedFile> {
  const checkpoint = await FileCheckpoint.open(modelId(path), path, { stateDict });
  try {
    const tensors: InspectedTensor[] = [];
    for (const tensor of checkpoint.tensors) {
      const { name, dtype, shape } = tensor;
      tensors.push({ name, dtype, shape, sha256: await tensorSha256(checkpoint, tensor) });
    }
    const { metadata } = checkpoint;
    return { file: path, format, tensors, ...(metadata && { metadata: Object.fromEntries(metadata) }) };
  } finally {
    await checkpoint.close();
  }
}

/** By extension, and for others by the first bytes. */
async function formatOf(path: string): Promise<InspectedFile['format']> {
  const extension = extname(path).toLowerCase();
  if (extension === '.onnx' || extension === '.npy' || extension === '.npz') {
    return extension.slice(1) as InspectedFile['format'];
  }
  if (extension === '.yaml' || extension === '.yml') return 'radin.yaml';
  const format = await tensorFormat(path);
  if (format !== undefined) return format;
  const start = new Uint8Array(6);
  const file = await open(path);
  await file.read(start).finally(() => file.close());
  if (start[0] === 0x93 && Buffer.from(start.subarray(1, 6)).toString('latin1') === 'NUMPY') return 'npy';
  throw new RadinError(
    'FORMAT',
    `Expected a safetensors, PyTorch, ONNX, NumPy (.npy, .npz) or radin.yaml file but found another format in ${path}`,
  );
}

function sha256(bytes: Uint8Array): string {
  const hash = createHash('sha256');
  // One call takes less than 2 GiB.
  for (let at = 0; at < bytes.byteLength; at += HASHED_AT_ONCE) hash.update(bytes.subarray(at, at + HASHED_AT_ONCE));
  return hash.digest('hex');
}

function fileText({ file, format, tensors, metadata, config }: InspectedFile): string {
  if (format === 'radin.yaml') return `${file}: a valid radin.yaml\n${JSON.stringify(config, null, 2)}`;
  const rows = tensors.map(({ name, dtype, shape, sha256: digest }) => [
    name,
    dtype,
    formatShape(shape),
    digest?.slice(0, 12) ?? 'external',
  ]);
  return [
    `${file}: ${format}, ${tensors.length} tensors`,
    ...alignColumns([['tensor', 'dtype', 'shape', 'sha256'], ...rows]),
    ...Object.entries(metadata ?? {}).map(([key, value]) => `metadata ${key}: ${value}`),
  ].join('\n');
}
