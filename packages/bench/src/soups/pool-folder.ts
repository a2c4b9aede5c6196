import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PoolFiles } from '@radin/core';
import { globSync } from 'tinyglobby';
import { parse } from 'yaml';
import { UsageError } from '../command-line.js';

interface SplitFiles {
  readonly inputs: string;
  readonly labels: string;
}

/** A pool of which each part of the data is one file. */
interface PlainPoolFiles extends PoolFiles {
  readonly graph: string;
  readonly validation: SplitFiles;
  readonly test?: SplitFiles;
}

export type TestedPoolFiles = PlainPoolFiles & Required<Pick<PlainPoolFiles, 'test'>>;

/** What the folder's `radin.yaml` names, with a test split. @throws UsageError where there is none, or where it names no test split */
export function readPoolFolder(folder: string): TestedPoolFiles {
  const { files, split } = readFolder(folder);
  return { ...files, test: files.test ?? split('test') };
}

/** The same, also of a pool without a test split, and the metric that it asks for. @throws UsageError where there is none */
export function readOwnSplits(folder: string): { files: PoolFiles; metric: string } {
  const { files, metric } = readFolder(folder);
  return { files, metric };
}

/** @returns also how to read a split, with an error where it is not named */
function readFolder(folder: string): { files: PlainPoolFiles; metric: string; split: (name: string) => SplitFiles } {
  const path = join(folder, 'radin.yaml');
  let config: unknown;
  try {
    config = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`Expected a radin.yaml but found: ${(error as Error).message.replaceAll('\n', ' ')}`);
  }
  const entry = (...keys: readonly string[]): unknown =>
    keys.reduce<unknown>((value, key) => (value as Record<string, unknown> | null | undefined)?.[key], config);
  const file = (...keys: readonly string[]): string => {
    const value = entry(...keys);
    if (typeof value === 'string') return join(folder, value);
    throw new UsageError(`Expected the key ${keys.join('.')} but found none in ${path}`);
  };
  const patterns = [entry('models')].flat().filter((value) => typeof value === 'string');
  const models = globSync(patterns, { cwd: folder, expandDirectories: false, onlyFiles: true }).sort();
  if (models.length === 0) throw new UsageError(`Expected files that match the key models but found none in ${path}`);
  const [output, metric, stateDict] = [entry('output'), entry('metric'), entry('state_dict')];
  const split = (name: string) => ({ inputs: file(name, 'inputs'), labels: file(name, 'labels') });
  const hasTest = (entry('test') ?? undefined) !== undefined;
  const files = {
    graph: file('graph'),
    models: models.map((model) => join(folder, model)),
    validation: split('validation'),
    ...(hasTest && { test: split('test') }),
    ...(typeof output === 'string' && { output }),
    ...(typeof stateDict === 'string' && { stateDict }),
  };
  return { files, metric: metric === undefined ? 'accuracy' : String(metric), split };
}
