import {
  alignCheckpoints,
  backendNamed,
  closeCheckpoints,
  Mixture,
  openCheckpoints,
  Pool,
  RadinError,
  Soup,
  writeSoup,
} from '@radin/core';
import type { Command } from 'commander';
import { expandModels } from '../expand.js';
import { list, nonNegative } from '../option-values.js';
import {
  backendOption,
  type CommonOptions,
  type ShardOptions,
  type StateDictOptions,
  withCommonOptions,
  withShardSize,
  withStateDict,
} from '../options.js';
import type { CommandContext } from '../run-context.js';

interface AverageOptions extends CommonOptions, StateDictOptions, ShardOptions {
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
      'checkpoints, .safetensors, .pt, .pth, .bin or .onnx, indexes of shards, or folders of one model each',
    )
    .option(
      '--weights <p,…>',
      'mixing weights in the order of the models, ≥ 0, sum 1 (default: equal)',
      list(nonNegative),
    )
    .requiredOption(
      '--out <file>',
      'required: the file to write, .safetensors, or .onnx for a copy of the first model in ONNX',
    )
    .addOption(backendOption('the average is'));
  withCommonOptions(withShardSize(withStateDict(command)))
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
  const backend = backendNamed(options.backend);
  const { stateDict } = options;
  const opened = await openCheckpoints(await expandModels(models, '.', 'argument'), { stateDict });
  try {
    const { checkpoints, problems } = alignCheckpoints(opened);
    if (problems[0] !== undefined) throw new RadinError('POOL', problems[0].message);
    const pool = new Pool(checkpoints);
    const mixture = mixtureOf(options.weights, pool.size);
    const { maxShardSize } = options;
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
        `wrote ${report.out}: average of ${mixture.size} models, ${report.tensors} tensors, ${report.bytes} bytes${written.shards ? ` in ${written.shards.length} shards` : ''}${written.externalData ? ` with ${written.externalData}` : ''}, sha256 ${report.sha256}`,
      );
  } finally {
    await closeCheckpoints(opened);
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
