import { createHash } from 'node:crypto';
import { type KeyParts, sha256, sha256OfText } from '../cache/index.js';
import type { Inputs } from './inputs.js';
import type { Labels } from './labels.js';

/**
 * SHA-256, hexadecimal, over dtype, shape and elements, whatever the files; several inputs count with their names, in the order of these.
 * Cost: one read.
 */
export async function inputsSha256(inputs: Inputs): Promise<string> {
  if (inputs.name === undefined) return sha256OfOne(inputs);
  const named = new Map(inputs.all.map((one) => [one.name as string, one]));
  const hashes: [string, string][] = [];
  for (const name of [...named.keys()].sort()) hashes.push([name, await sha256OfOne(named.get(name) as Inputs)]);
  return sha256OfText(JSON.stringify(hashes));
}

async function sha256OfOne(inputs: Inputs): Promise<string> {
  const hash = createHash('sha256');
  for await (const block of inputs.blocks()) hash.update(block);
  return sha256OfText(JSON.stringify([inputs.dtype, inputs.shape, hash.digest('hex')]));
}

/** SHA-256, hexadecimal, over all that predictions are scored against: the same for class indices and the same labels in one-hot rows. */
export async function labelsSha256({ task, values, targets, tokens, groups }: Labels): Promise<string> {
  const of = async (elements: Elements | undefined) => (elements === undefined ? null : elementsSha256(elements));
  const places = tokens === undefined ? null : [tokens.positions, await of(tokens.places)];
  const parts = [task ?? null, await of(values), await of(targets), places, await of(groups)];
  return sha256OfText(JSON.stringify(parts));
}

/** What of labels a key holds: all that outputs are compared with, and not the groups in which scores are counted. */
export async function labelsKeyParts({
  task,
  values,
  targets,
  tokens,
}: Pick<Labels, 'task' | 'values' | 'targets' | 'tokens'>): Promise<KeyParts> {
  return {
    labels: await elementsSha256(values),
    ...(task && { task }),
    ...(targets && { targets: await elementsSha256(targets) }),
    ...(tokens && { tokens: [tokens.positions, await elementsSha256(tokens.places)] }),
  };
}

type Elements = Int32Array | Uint32Array | Float64Array;

/** SHA-256, hexadecimal, over the bytes of the elements. */
export function elementsSha256({ buffer, byteOffset, byteLength }: Elements): Promise<string> {
  return sha256(new Uint8Array(buffer, byteOffset, byteLength));
}
