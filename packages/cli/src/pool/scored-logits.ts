import { existsSync } from 'node:fs';
import {
  type Labels,
  MULTI_CLASS,
  RadinError,
  readGroups,
  readTaskLabels,
  type Task,
  type TaskName,
} from '@radin/core';
import type { LoadedConfig } from './config.js';
import { expand, expandArrays } from './expand.js';
import { logitsFiles } from './external-evaluation.js';
import type { MetricChoice } from './metric-choice.js';
import { metricOf, readConfig, taskOf } from './pool-files.js';

/** What stage 1 needs and nothing else: logits, one file for each model, and labels. */
export interface ScoredLogits {
  /** The metric that the `radin.yaml` asks for. */
  readonly metric: MetricChoice | undefined;
  readonly task: Task;
  /** Finds the logits and reads the labels. @throws RadinError where one is named neither by flags nor by the `radin.yaml` */
  read(): Promise<{ readonly paths: readonly string[]; readonly labels: Labels }>;
}

interface ScoredFlags {
  readonly logits?: readonly string[];
  readonly labels?: string;
  readonly groups?: string;
  readonly task?: TaskName;
  readonly ignoreIndex?: number;
}

/** Logits and labels that flags name, or in their place the `radin.yaml` of a pool, whose models and graph need not exist. @throws RadinError */
export async function scoredLogits(pool: string | undefined, flags: ScoredFlags): Promise<ScoredLogits> {
  const hasBoth = flags.logits !== undefined && flags.labels !== undefined;
  const named = pool ?? (!hasBoth && existsSync('radin.yaml') ? '.' : undefined);
  const loaded = named === undefined ? undefined : await readConfig(named);
  const config = loaded?.config;
  const task = taskOf(flags.task ?? config?.task, flags.ignoreIndex ?? config?.ignore_index) ?? MULTI_CLASS;
  return { task, metric: metricOf(loaded), read: () => readScored(named, loaded, flags, task) };
}

async function readScored(
  named: string | undefined,
  loaded: LoadedConfig | undefined,
  flags: ScoredFlags,
  task: Task,
): ReturnType<ScoredLogits['read']> {
  const paths = flags.logits
    ? await expand(flags.logits, '.', 'flag --logits')
    : (await logitsFiles(loaded, {}))?.validation;
  if (paths === undefined) throw missing('logits', '--logits', named);
  if (flags.labels === undefined && loaded === undefined) throw missing('labels', '--labels', named);
  const labels =
    loaded === undefined || flags.labels !== undefined
      ? (flags.labels as string)
      : await expandArrays([loaded.config.validation.labels].flat(), loaded.folder, loaded.locate('validation'));
  const groups =
    flags.groups ??
    (loaded && flags.labels === undefined && loaded.config.validation.groups !== undefined
      ? await expandArrays([loaded.config.validation.groups].flat(), loaded.folder, loaded.locate('validation'))
      : undefined);
  const read = await readTaskLabels(labels, task);
  return { paths, labels: groups === undefined ? read : { ...read, groups: await readGroups(groups, read) } };
}

function missing(what: string, flag: string, pool: string | undefined): RadinError {
  const place = pool === undefined ? 'a pool' : `a pool, such as ${pool},`;
  return new RadinError(
    'CONFIG',
    `Expected ${place} whose radin.yaml names ${what}, or the flag ${flag} but found neither`,
  );
}
