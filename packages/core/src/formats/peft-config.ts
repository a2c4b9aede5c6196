import { readFile, stat } from 'node:fs/promises';
import { fileError, quote, RadinError } from '../errors/index.js';
import { failFormat } from './format-error.js';

/** The configuration beside the weights of an adapter of PEFT. */
export const ADAPTER_CONFIG = 'adapter_config.json';

const LONGEST_CONFIG = 2 ** 22;

/** What an `adapter_config.json` says of how its weights are used. */
export interface PeftConfig {
  readonly path: string;
  /** As written, to be kept by what is made of the adapter. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Rank that the config gives a module. */
  rank(module: string): number;
  /** s of W + s·B·A for a module. */
  scale(module: string): number;
  /** Whether weights of linear layers are stored transposed, [in, out]. */
  readonly fanInFanOut: boolean;
}

/** Parts of PEFT under which W + s·B·A is not what the adapter computes, with the values that do no harm. */
const UNSUPPORTED: readonly (readonly [key: string, harmless: readonly unknown[], why: string])[] = [
  ['bias', ['none'], 'its biases are trained too'],
  ['use_dora', [false], 'DoRA divides by norms that have no average'],
  ['lora_bias', [false], 'its products have biases'],
  ['use_qalora', [false], 'its inputs are pooled'],
  ['layer_replication', [], 'its layers are copies of others'],
  ['trainable_token_indices', [], 'it changes single rows of embeddings'],
  ['target_parameters', [], 'it changes parameters that are no layers'],
  ['alora_invocation_tokens', [], 'it is active for some tokens only'],
  ['arrow_config', [], 'it routes between adapters'],
];

/** Ways to begin that change the base model: its weights are no longer those that the adapter was trained on. */
const CHANGES_BASE = /^(pissa|olora|loftq|corda)/i;

/**
 * Reads the configuration of a LoRA adapter. @throws RadinError `FILE` where it cannot be read, `FORMAT` where it is none, or of another
 * kind of adapter or with a part that a product of two matrices does not describe
 */
export async function readPeftConfig(path: string): Promise<PeftConfig> {
  const json = await readJsonObject(path);
  const { peft_type: type, init_lora_weights: start, fan_in_fan_out: fanInFanOut, use_rslora: rslora } = json;
  if (type !== 'LORA') failFormat('a LoRA adapter (peft_type LORA)', shown(type), path);
  for (const [key, harmless, why] of UNSUPPORTED) {
    const value = json[key];
    if (value === undefined || value === null || harmless.includes(value)) continue;
    failFormat('an adapter whose weights are W + s·B·A', `${key}: ${shown(value)} (${why})`, path);
  }
  if (typeof start === 'string' && CHANGES_BASE.test(start)) {
    const advice = "PEFT's save_pretrained(…, path_initial_model_for_weight_conversion=…) converts it";
    failFormat('an adapter of the base model as it is', `init_lora_weights: ${quote(start)} (${advice})`, path);
  }
  const { r, lora_alpha: usualAlpha, rank_pattern: rankPattern, alpha_pattern: alphaPattern } = json;
  const rank = positive(r, 'r', path, 8);
  const alpha = positive(usualAlpha, 'lora_alpha', path, 8, false);
  const ranks = pattern(rankPattern, 'rank_pattern', path, true);
  const alphas = pattern(alphaPattern, 'alpha_pattern', path, false);
  const root = rslora === true;
  const rankOf = (module: string) => matching(ranks, module) ?? rank;
  return {
    path,
    json,
    rank: rankOf,
    scale: (module) => (matching(alphas, module) ?? alpha) / (root ? Math.sqrt(rankOf(module)) : rankOf(module)),
    fanInFanOut: fanInFanOut === true,
  };
}

/** A JSON object of people's making, such as a `config.json`: with fractions, which headers of tensors have not. @throws RadinError */
export async function readJsonObject(path: string): Promise<Readonly<Record<string, unknown>>> {
  let bytes: Uint8Array;
  try {
    const status = await stat(path);
    if (!status.isFile()) throw new RadinError('FILE', `Expected a regular file but found something else: ${path}`);
    if (status.size > LONGEST_CONFIG) failFormat(`at most ${LONGEST_CONFIG} bytes`, `${status.size}`, path);
    bytes = await readFile(path);
  } catch (error) {
    throw fileError('read', path, error);
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new RadinError('FORMAT', `Expected JSON in ${path}, but: ${(error as Error).message}`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) failFormat('an object', shown(value), path);
  return value as Readonly<Record<string, unknown>>;
}

function positive(value: unknown, key: string, path: string, usual: number, whole = true): number {
  if (value === undefined) return usual;
  if (typeof value === 'number' && value > 0 && Number.isFinite(value) && (!whole || Number.isSafeInteger(value))) {
    return value;
  }
  return failFormat(`${key} to be ${whole ? 'an integer' : 'a number'} above 0`, shown(value), path);
}

/** Names of modules, or the ends of names, with their values, as PEFT matches them. */
function pattern(value: unknown, key: string, path: string, whole: boolean): ReadonlyMap<string, number> {
  if (value === undefined || value === null) return new Map();
  if (typeof value !== 'object' || Array.isArray(value)) failFormat(`${key} to be an object`, shown(value), path);
  const entries = Object.entries(value).map(([name, number]) => {
    if (!/^\^?[\w.-]+$/.test(name)) failFormat(`names of modules in ${key}`, `the expression ${quote(name)}`, path);
    return [name, positive(number, `${key} of ${quote(name)}`, path, 0, whole)] as const;
  });
  return new Map(entries);
}

function matching(pattern: ReadonlyMap<string, number>, module: string): number | undefined {
  for (const [name, value] of pattern) {
    const fits = name.startsWith('^') ? module === name.slice(1) : module === name || module.endsWith(`.${name}`);
    if (fits) return value;
  }
  return undefined;
}

function shown(value: unknown): string {
  if (value === undefined) return 'none';
  return typeof value === 'number' ? String(value) : JSON.stringify(value).slice(0, 80);
}
