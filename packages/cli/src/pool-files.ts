import { existsSync, statSync } from 'node:fs';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { type Metric, type PoolFiles, quote, RadinError } from '@radin/core';
import { glob, isDynamicPattern } from 'tinyglobby';

/** The flags that stand in place of a `radin.yaml`, or replace single entries of it. */
export interface PoolFlags {
  readonly graph?: string;
  readonly models?: readonly string[];
  readonly valInputs?: string;
  readonly valLabels?: string;
  readonly testInputs?: string;
  readonly testLabels?: string;
  readonly output?: string;
  readonly stateDict?: string | undefined;
}

export interface ResolvedPool {
  /** The pool's folder, without the path to it; none where flags alone name the files. */
  readonly name: string | undefined;
  readonly files: PoolFiles;
  /** The metric that the `radin.yaml` asks for. */
  readonly metric: Metric | undefined;
}

/**
 * The files of a pool: from the `radin.yaml` of a folder (or the file itself), with flags in front of its entries, or from
 * flags alone; where neither is given, from the current folder if it is a pool. @throws RadinError where something is missing or a pattern matches nothing
 */
export async function resolvePool(pool: string | undefined, flags: PoolFlags): Promise<ResolvedPool> {
  const { graph, models: patterns, valInputs, valLabels } = flags;
  const hasFlags = [graph, patterns, valInputs, valLabels].some((flag) => flag !== undefined);
  const named = pool ?? (!hasFlags && existsSync('radin.yaml') ? '.' : undefined);
  const loaded = named === undefined ? undefined : await readConfig(named);
  const config = loaded?.config;
  const inFolder = (path: string) => (isAbsolute(path) ? path : join(loaded?.folder ?? '.', path));
  const pick = (flag: string | undefined, entry: string | undefined) => flag ?? (entry && inFolder(entry));
  const need = (value: string | undefined, flag: string) => {
    if (value !== undefined) return value;
    throw new RadinError(
      'CONFIG',
      `Expected a pool, which is a folder with a radin.yaml, or the flag ${flag} but found neither`,
    );
  };
  const models =
    flags.models !== undefined
      ? await expand(flags.models, '.', 'flag --models')
      : await expand([config?.models ?? []].flat(), loaded?.folder ?? '.', loaded?.locate('models') ?? 'flag --models');
  const testInputs = pick(flags.testInputs, config?.test?.inputs);
  const testLabels = pick(flags.testLabels, config?.test?.labels);
  if ((testInputs === undefined) !== (testLabels === undefined)) {
    throw new RadinError('CONFIG', 'Expected both --test-inputs and --test-labels but found only one of them');
  }
  const output = flags.output ?? config?.output;
  const stateDict = flags.stateDict ?? config?.state_dict;
  return {
    name: (loaded && basename(resolve(loaded.folder))) || undefined,
    files: {
      graph: need(pick(flags.graph, config?.graph), '--graph'),
      models,
      validation: {
        inputs: need(pick(flags.valInputs, config?.validation.inputs), '--val-inputs'),
        labels: need(pick(flags.valLabels, config?.validation.labels), '--val-labels'),
      },
      ...(testInputs && testLabels && { test: { inputs: testInputs, labels: testLabels } }),
      ...(output && { output }),
      ...(stateDict && { stateDict }),
    },
    metric: loaded?.metric,
  };
}

/** Loads the reader of YAML only where there is a `radin.yaml`: starting it takes longer than scoring a small pool. */
async function readConfig(pool: string) {
  const { loadConfig } = await import('./config.js');
  return loadConfig(configPath(pool));
}

/** The `radin.yaml` that `pool` names: itself, or the one in that folder. */
function configPath(pool: string): string {
  if (!existsSync(pool))
    throw new RadinError('FILE', `Expected a folder with a radin.yaml but found nothing at ${pool}`);
  if (!statSync(pool).isDirectory()) return pool;
  const path = join(pool, 'radin.yaml');
  if (existsSync(path)) return path;
  throw new RadinError('FILE', `Expected a radin.yaml in the folder ${pool} but found none`);
}

/** The files that patterns match, those of one pattern by name. A path that exists is taken as it is, whatever its characters. */
export async function expand(patterns: readonly string[], folder: string, source: string): Promise<string[]> {
  const files: string[] = [];
  for (const pattern of patterns) {
    const path = isAbsolute(pattern) ? pattern : join(folder, pattern);
    if (existsSync(path) || !isDynamicPattern(pattern)) {
      files.push(path);
      continue;
    }
    const matches = await glob(pattern, { cwd: folder, expandDirectories: false, onlyFiles: true });
    if (matches.length === 0) {
      throw new RadinError(
        'CONFIG',
        `Expected files that match ${quote(pattern)} but found none in ${folder} (${source})`,
      );
    }
    files.push(...matches.sort().map((match) => (isAbsolute(match) ? match : join(folder, match))));
  }
  if (files.length === 0) throw new RadinError('CONFIG', `Expected at least one model but found none (${source})`);
  return files;
}
