import { BACKEND_NAMES, metricNames, TASKS } from '@radin/core';
import { type Command, Option } from 'commander';
import type { PoolFlags } from '../pool/pool-files.js';
import { type CommonOptions, withCacheFolder, withCommonOptions } from './common-options.js';
import { each, integer, positive, positiveByteCount, renaming, signedInteger } from './option-values.js';

export interface ComputeOptions {
  readonly backend: string;
  readonly threads?: number;
  readonly metric?: string;
}

export interface MemoryOptions {
  readonly maxMemory?: number;
}

interface EvaluatorOptions extends MemoryOptions {
  readonly batch?: number;
  readonly evaluationTimeout?: number;
  readonly evaluationMemory?: number;
  /** False for `--no-cache`. */
  readonly cache?: string | false;
}

export type PoolOptions = PoolFlags & CommonOptions & ComputeOptions & EvaluatorOptions;

export interface ShardOptions {
  readonly maxShardSize?: number;
}

export function withShardSize(command: Command): Command {
  return command.option(
    '--max-shard-size <size>',
    'write the soup in files of at most this much, such as 2GB, with an index, as Hugging Face names them',
    positiveByteCount,
  );
}

export function withMaxMemory(command: Command): Command {
  return command.option(
    '--max-memory <size>',
    'memory that evaluation and all else may take, such as 2GiB: fewer threads, smaller windows, logits in a file; no result depends on it',
    positiveByteCount,
  );
}

export interface DryRunOptions {
  readonly dryRun?: true;
}

export function withDryRun(command: Command): Command {
  return command.option(
    '--dry-run',
    'check everything, tell what the run would evaluate and take in time, memory and disk, and write nothing',
  );
}

/** @param what is computed there, in the help: `averages are` */
export function backendOption(what: string): Option {
  const names = `${['auto', ...BACKEND_NAMES.slice(0, -1)].join(', ')} or ${BACKEND_NAMES.at(-1)}`;
  return new Option('--backend <name>', `where ${what} computed: ${names}; radin doctor tells which there are`).default(
    'auto',
  );
}

export function withComputeOptions(command: Command): Command {
  return withThreads(command.addOption(backendOption('averages and stage 1 are'))).option(
    '--metric <name>',
    `what soups are chosen by: ${metricNames('multi-class').join(', ')}, one of another task, or a module of your own, ./metric.mjs (default: accuracy, or the task's)`,
  );
}

export function withThreads(command: Command): Command {
  return command.option(
    '--threads <T>',
    'threads to use (default: all cores); no result depends on it',
    integer(1, 1024),
  );
}

export function withPoolOptions(command: Command): Command {
  return withRunOptions(withPoolFlags(command));
}

/** What names a pool in place of a `radin.yaml`. */
export function withPoolFlags(command: Command): Command {
  return withTask(withStateDict(command))
    .option(
      '--graph <file>',
      'ONNX graph of the architecture that the models share (default: that of the first model in ONNX)',
    )
    .option(
      '--models <patterns...>',
      'checkpoints, .safetensors, .pt, .pth, .bin or .onnx, indexes of shards, folders of one model each, or hf://org/name@revision',
    )
    .option(
      '--val-inputs <file>',
      'validation inputs, .npy, .npz, .safetensors, or file.npz:name for one of several arrays; several parts: a pattern, or once for each; NAME=FILE for each input of a graph with several',
      each,
    )
    .option('--val-labels <file>', 'validation labels, likewise: class indices, or one-hot', each)
    .option('--test-inputs <file>', 'test inputs, likewise; only reported, never chosen by', each)
    .option('--test-labels <file>', 'test labels, likewise', each)
    .option('--val-groups <file>', 'the group of each validation sample, integers, for worst-group-accuracy', each)
    .option('--test-groups <file>', 'the group of each test sample, likewise', each)
    .option(
      '--init <file>',
      'the checkpoint that all models were fine-tuned from, to measure how far and where they went',
    )
    .option(
      '--bn-inputs <file>',
      'inputs, likewise, on which the statistics of BatchNorm layers are estimated anew in every soup',
      each,
    )
    .option(
      '--rename <from=to>',
      "how tensor names of the models become the graph's: a beginning that ends in a dot, or a whole name; once for each",
      renaming,
    )
    .option(...BASE)
    .option('--output <name>', "the graph's output with the logits, where it has several");
}

/** For adapters, in whichever command they are named. */
export const BASE = ['--base <model>', 'the model that LoRA adapters among the models change'] as const;

export function withTask(command: Command): Command {
  return command
    .addOption(new Option('--task <name>', 'what the models predict (default: multi-class)').choices(TASKS))
    .option(
      '--ignore-index <index>',
      'with --task token-classification, the label of tokens that do not count (default: -100)',
      signedInteger,
    );
}

export interface StateDictOptions {
  readonly stateDict?: string;
}

export function withStateDict(command: Command): Command {
  return command.option('--state-dict <key>', 'where the weights are in PyTorch files that hold several state dicts');
}

export function withGivenLogits(command: Command): Command {
  return command
    .option(
      '--val-logits <patterns...>',
      "the models' logits on the validation split, computed elsewhere: one .npy for each model, with its id as name",
    )
    .option('--test-logits <patterns...>', 'the same on the test split');
}

/** What every command that evaluates takes, whichever its pool. */
export function withRunOptions(command: Command): Command {
  withComputeOptions(command).option(
    '--batch <size>',
    'samples per run, where the graph does not fix it (default: up to 64, fewer for large ones)',
    integer(1, 65536),
  );
  command
    .option(
      '--evaluation-timeout <seconds>',
      'most that one batch may take before its evaluation is given up (default: 600 for the first, then 60 and 100 times the usual)',
      positive,
    )
    .option(
      '--evaluation-memory <size>',
      'most memory for the process that evaluates, on Linux, such as 8GiB (default: nine tenths of what there is)',
      positiveByteCount,
    );
  withMaxMemory(withCacheFolder(command)).option(
    '--no-cache',
    'use no results of earlier runs and keep none of this one',
  );
  return withCommonOptions(command);
}
