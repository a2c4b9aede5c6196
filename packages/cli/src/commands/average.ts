import { dirname } from 'node:path';
import {
  averageWork,
  backendNamed,
  closeCheckpoints,
  limitedBackend,
  Mixture,
  openCheckpoints,
  Pool,
  RadinError,
  Soup,
  writeSoup,
} from '@radin/core';
import type { Command } from 'commander';
import { checkSpace } from '../disk-space.js';
import { expandModels } from '../expand.js';
import { list, nonNegative } from '../option-values.js';
import {
  backendOption,
  type CommonOptions,
  type MemoryOptions,
  type ShardOptions,
  type StateDictOptions,
  withCommonOptions,
  withMaxMemory,
  withShardSize,
  withStateDict,
} from '../options.js';
import { checkNoInput } from '../output-folder.js';
import type { CommandContext } from '../run-context.js';

interface AverageOptions extends CommonOptions, StateDictOptions, ShardOptions, MemoryOptions {
  readonly weights?: readonly number[];
  readonly out: string;
  readonly backend: string;
}

export function addAverage(program: Command, context: CommandContext): void {
  const command = program
    .command('average')
    .description('write the soup of the models named')
    .argument(
      '<models...>',
      'checkpoints, .safetensors, .pt, .pth or .bin, indexes of shards, or folders of one model each',
    )
    .option(
      '--weights <p,…>',
      'mixing weights in the order of the models, ≥ 0, sum 1 (default: equal)',
      list(nonNegative),
    )
    .requiredOption('--out <file>', 'required: the safetensors file to write')
    .addOption(backendOption('the average is'));
  withCommonOptions(withMaxMemory(withShardSize(withStateDict(command))))
    .addHelpText(
      'after',
      '\nExample:\n  radin average a.safetensors b.safetensors --weights 0.7,0.3 --out soup.safetensors',
    )
    .action((models: string[], options: AverageOptions) => average(models, options, context));
}

async function average(
  models: string[],
  options: AverageOptions,
  { signal, print, printJson }: CommandContext,
): Promise<void> {
  const { stateDict, maxMemory } = options;
  const paths = await expandModels(models, '.', 'argument');
  await checkNoInput(options.out, paths, '--out');
  const named = backendNamed(options.backend);
  const backend = maxMemory === undefined ? named : limitedBackend(named, averageWork(maxMemory, paths.length));
  const checkpoints = await openCheckpoints(paths, { stateDict });
  try {
    const pool = new Pool(checkpoints);
    const mixture = mixtureOf(options.weights, pool.size);
    const { maxShardSize } = options;
    const bytes = pool.tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);
    await checkSpace(dirname(options.out), bytes, 'the soup');
    const { path, ...written } = await writeSoup(options.out, new Soup(pool, mixture, backend), pool, {
      signal,
      ...(maxShardSize && { maxShardBytes: maxShardSize }),
    });
    const report = {
      out: path,
      models: pool.ids,
      weights: [...mixture.weights],
      tensors: pool.tensors.length,
      ...written,
    };
    if (options.json) printJson(report);
    else
      print(
        `wrote ${report.out}: average of ${mixture.size} models, ${report.tensors} tensors, ${report.bytes} bytes${written.shards ? ` in ${written.shards.length} shards` : ''}, sha256 ${report.sha256}`,
      );
  } finally {
    await closeCheckpoints(checkpoints);
  }
}

function mixtureOf(weights: readonly number[] | undefined, models: number): Mixture {
  if (weights === undefined) return Mixture.uniform(models, [...Array(models).keys()]);
  if (weights.length !== models) {
    throw new RadinError(
      'CONFIG',
      `Expected one of --weights for each of ${models} models but found ${weights.length}`,
    );
  }
  try {
    return Mixture.of(weights);
  } catch (error) {
    throw new RadinError('CONFIG', `${(error as Error).message} as --weights`, { cause: error });
  }
}
