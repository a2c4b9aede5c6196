import { type PoolFiles, RadinError } from '@radin/core';
import type { LoadedConfig } from './config.js';
import { expand } from './expand.js';

/** The flags that stand in place of a `radin.yaml`'s logits. */
export interface LogitsFlags {
  /** False: none, whatever the `radin.yaml` names. */
  readonly valLogits?: readonly string[] | false;
  readonly testLogits?: readonly string[] | false;
}

/** The program that a `radin.yaml` evaluates with. */
export function commandOf({ config: { evaluator }, folder }: LoadedConfig): PoolFiles['evaluator'] {
  if (evaluator === undefined) return undefined;
  const { command, slots, timeout, retries, version } = evaluator;
  return {
    command,
    folder,
    ...(slots !== undefined && { slots }),
    ...(timeout !== undefined && { timeout }),
    ...(retries !== undefined && { retries }),
    ...(version !== undefined && { version: String(version) }),
  };
}

/** The files of logits that were computed elsewhere, from flags or a `radin.yaml`. @throws RadinError where a pattern matches nothing, or they are named twice */
export async function logitsFiles(
  loaded: LoadedConfig | undefined,
  { valLogits, testLogits }: LogitsFlags,
): Promise<PoolFiles['logits']> {
  const validation = await chosen(valLogits, '--val-logits', loaded, 'validation');
  const test = await chosen(testLogits, '--test-logits', loaded, 'test');
  if (validation === undefined && test === undefined) return undefined;
  return { ...(validation && { validation }), ...(test && { test }) };
}

async function chosen(
  flag: readonly string[] | false | undefined,
  name: string,
  loaded: LoadedConfig | undefined,
  split: 'validation' | 'test',
): Promise<readonly string[] | undefined> {
  if (flag === false) return undefined;
  if (flag !== undefined) return expand(flag, '.', `flag ${name}`);
  if (loaded === undefined) return undefined;
  const { config, folder, locate } = loaded;
  const own = config[split]?.logits;
  const whole = split === 'validation' ? config.logits : undefined;
  if (own !== undefined && whole !== undefined) {
    throw new RadinError(
      'CONFIG',
      `Expected logits of the validation split in one place but found logits and validation.logits at ${locate('logits')}`,
    );
  }
  const entry = own ?? whole;
  if (entry === undefined) return undefined;
  return expand([entry].flat(), folder, whole === undefined ? locate(split, 'logits') : locate('logits'));
}
