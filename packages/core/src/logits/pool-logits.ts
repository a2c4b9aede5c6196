import { RadinError } from '../errors/index.js';
import type { Truth } from '../metric/index.js';
import type { StoredLogits } from './logits.js';

/** The cached logits of all N models on one split, with what they are scored against: all that stage 1 needs. */
export interface PoolLogits extends Truth {
  readonly models: readonly string[];
  /** N entries of shape [M, C]. */
  readonly logits: readonly StoredLogits[];
  readonly samples: number;
  readonly classes: number;
}

/** Puts models' logits together. @throws RadinError naming the first model whose shape differs from the others' or the labels'. */
export function poolLogits(
  models: readonly string[],
  logits: readonly StoredLogits[],
  labels: Int32Array,
  { targets, groups }: Omit<Truth, 'labels'> = {},
): PoolLogits {
  const { samples, classes } = oneShape(models, logits);
  if (targets !== undefined && targets.length !== samples * classes) {
    throw new RadinError(
      'DATA',
      `Expected ${samples} × ${classes} targets, as many as logits, but found ${targets.length}`,
    );
  }
  if (targets === undefined && labels.length !== samples) {
    throw new RadinError('DATA', `Expected ${samples} labels, one per row of the logits, but found ${labels.length}`);
  }
  return { models, logits, labels, ...(targets && { targets }), ...(groups && { groups }), samples, classes };
}

/** The shape that all models' logits have. @throws RadinError naming the first model that has another one */
export function oneShape(models: readonly string[], shapes: readonly LogitsShape[]): LogitsShape {
  const first = shapes[0];
  if (first === undefined) throw new RadinError('DATA', 'Expected the logits of at least one model but found none');
  const { samples, classes } = first;
  const odd = shapes.findIndex((other) => other.samples !== samples || other.classes !== classes);
  if (odd < 0) return first;
  throw new RadinError(
    'DATA',
    `Expected logits of shape [${samples}, ${classes}] as of model ${models[0]} but found [${shapes[odd]?.samples}, ${shapes[odd]?.classes}] of model ${models[odd]}`,
  );
}

type LogitsShape = Pick<StoredLogits, 'samples' | 'classes'>;

/**
 * Pairs of models with the same logits for every sample, as indices: almost surely one model under two names. Knows only of
 * logits in memory or with a digest. Cost: one pass at most per pair.
 */
export function equalLogits({ logits }: PoolLogits): [number, number][] {
  const pairs: [number, number][] = [];
  for (let later = 1; later < logits.length; later++) {
    const earlier = logits.findIndex((other, index) => index < later && equal(other, logits[later] as StoredLogits));
    if (earlier >= 0) pairs.push([earlier, later]);
  }
  return pairs;
}

function equal(a: StoredLogits, b: StoredLogits): boolean {
  if (a.digest !== undefined && b.digest !== undefined) return a.digest === b.digest;
  const inMemory = a.source instanceof Uint8Array && b.source instanceof Uint8Array;
  return inMemory && a.dtype === b.dtype && Buffer.compare(a.source as Uint8Array, b.source as Uint8Array) === 0;
}
