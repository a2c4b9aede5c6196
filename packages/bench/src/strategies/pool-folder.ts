import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { globSync } from 'tinyglobby';
import { parse } from 'yaml';
import { UsageError } from '../command-line.js';

interface SplitFiles {
  readonly inputs: string;
  readonly labels: string;
}

/** The files of a pool with a validation and a test split. */
export interface PoolFolder {
  readonly graph: string;
  readonly models: readonly string[];
  readonly validation: SplitFiles;
  readonly test: SplitFiles;
  readonly output?: string;
}

/** What the folder's `radin.yaml` names. @throws UsageError where there is none, or where it names no test split */
export function readPoolFolder(folder: string): PoolFolder {
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
  const output = entry('output');
  return {
    graph: file('graph'),
    models: models.map((model) => join(folder, model)),
    validation: { inputs: file('validation', 'inputs'), labels: file('validation', 'labels') },
    test: { inputs: file('test', 'inputs'), labels: file('test', 'labels') },
    ...(typeof output === 'string' && { output }),
  };
}
