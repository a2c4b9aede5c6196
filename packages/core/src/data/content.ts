import { createHash } from 'node:crypto';
import { sha256, sha256OfText } from '../cache/index.js';
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
  const of = async (elements: Int32Array | Float64Array | undefined) =>
    elements === undefined ? null : sha256(new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength));
  const places = tokens === undefined ? null : [tokens.positions, await of(tokens.places)];
  const parts = [task ?? null, await of(values), await of(targets), places, await of(groups)];
  return sha256OfText(JSON.stringify(parts));
}
