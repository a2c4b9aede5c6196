import { dirname, join } from 'node:path';
import { quote, RadinError } from '../errors/index.js';
import {
  ADAPTER_CONFIG,
  floatValues,
  formatShape,
  isFloatDtype,
  type LoraAdapter,
  type LoraProduct,
  type TensorInfo,
  writeFloats,
  writeSafetensors,
  writeTextAtomically,
} from '../formats/index.js';
import { type Mixture, plainRecord, RECORD_KEY, type SoupRecord } from '../mixture/index.js';
import { type Checkpoint, modelId } from '../pool/index.js';
import { concatenatedConfig } from './adapter-config.js';
import { type CardFacts, modelCard, sharedFrontMatter } from './model-card.js';
import { replaceFolder } from './replace-folder.js';
import type { WrittenFolder } from './write-model-folder.js';

const PREFIX = 'base_model.model.';
const FLOAT32_BYTES = 4;

/** A tensor of the new adapter and how its elements come about. */
interface NewTensor extends TensorInfo {
  readonly values: () => Promise<Float64Array>;
}

/** A soup of LoRA adapters as one adapter: see `writeAdapterFolder`. */
export class AdapterSoup implements Checkpoint {
  readonly id: string;
  readonly tensors: readonly TensorInfo[];
  readonly #tensors: ReadonlyMap<string, NewTensor>;
  /** The last tensor that was computed: tensors are read in windows. */
  #computed: { readonly name: string; readonly bytes: Uint8Array } | undefined;

  /** @param adapters of the pool, one for each weight of the mixture @throws RadinError `POOL` where they have no soup of this form */
  constructor(adapters: readonly LoraAdapter[], mixture: Mixture) {
    const used = mixture.ingredients.map((index) => ({
      adapter: adapters[index] as LoraAdapter,
      weight: mixture.weights[index] as number,
    }));
    this.id = used.map(({ adapter }) => modelId(adapter.path)).join('+');
    this.#tensors = new Map([...factors(used), ...averages(used)].map((tensor) => [tensor.name, tensor]));
    this.tensors = [...this.#tensors.values()].map(({ name, dtype, shape, byteLength }) => ({
      name,
      dtype,
      shape,
      byteLength,
    }));
  }

  async read(name: string, target: Uint8Array, byteOffset = 0): Promise<void> {
    let bytes = this.#computed?.name === name ? this.#computed.bytes : undefined;
    if (bytes === undefined) {
      const { values, byteLength, dtype } = this.#tensors.get(name) as NewTensor;
      bytes = new Uint8Array(byteLength);
      writeFloats(await values(), dtype as 'F32', bytes);
      this.#computed = { name, bytes };
    }
    target.set(bytes.subarray(byteOffset, byteOffset + target.byteLength));
  }
}

/** An ingredient with its weight in the soup. */
interface Weighted {
  readonly adapter: LoraAdapter;
  readonly weight: number;
}

/**
 * Writes a soup of LoRA adapters as one adapter that PEFT reads: Σ p_k s_k B_k A_k = B·A with B = [p_1 s_1 B_1, p_2 s_2 B_2, …] and
 * A = [A_1; A_2; …], of rank Σ r_k, scale 1, in float32. Tensors that adapters hold whole are averaged. Whole or not at all.
 * @param adapters of the pool, one for each weight of the mixture
 * @throws RadinError `POOL` where the adapters have no soup of this form; `FILE` where the folder cannot be written
 */
export async function writeAdapterFolder(
  folder: string,
  adapters: readonly LoraAdapter[],
  mixture: Mixture,
  facts: CardFacts,
  options: { readonly signal?: AbortSignal; readonly record?: SoupRecord } = {},
): Promise<WrittenFolder> {
  const used = mixture.ingredients.map((index) => adapters[index] as LoraAdapter);
  const plain = plainRecord(
    mixture,
    adapters.map(({ path }) => modelId(path)),
  );
  const { models: ids, weights } = plain;
  const soup = new AdapterSoup(adapters, mixture);
  const { json, notices } = concatenatedConfig(used);
  const { base_model_name_or_path: base } = json;
  const card = modelCard({
    ...facts,
    title: 'Soup of LoRA adapters',
    what: `One adapter that adds the weighted average of the changes of ${ids.length} LoRA adapters, s·B·A each, to the base model.`,
    tags: ['merge', 'model-soup', 'lora'],
    baseModels: typeof base === 'string' && base !== '' ? [base] : ids,
    shared: new Map([
      ...(await sharedFrontMatter(
        used.map(({ path }) => dirname(path)),
        [],
      )),
      ['library_name', 'peft'],
    ]),
    ingredients: ids.map((name, at) => ({ name, weight: weights[at] as number })),
  });
  const metadata = new Map([
    ['format', 'pt'],
    [RECORD_KEY, JSON.stringify(options.record ?? plain)],
  ]);
  return replaceFolder(folder, async (path) => {
    const produce = async ({ name, byteLength }: TensorInfo, write: (bytes: Uint8Array) => Promise<void>) => {
      const bytes = new Uint8Array(byteLength);
      await soup.read(name, bytes);
      await write(bytes);
    };
    const file = join(path, 'adapter_model.safetensors');
    const written = await writeSafetensors(file, soup.tensors, metadata, produce, options);
    await writeTextAtomically(join(path, ADAPTER_CONFIG), `${JSON.stringify(json, null, 2)}\n`);
    await writeTextAtomically(join(path, 'README.md'), card);
    return { ...written, path: join(folder, 'adapter_model.safetensors'), notices };
  });
}

function factors(used: readonly Weighted[]): NewTensor[] {
  const names = [...new Set(used.flatMap(({ adapter }) => [...adapter.products.keys()]))].sort();
  return names.flatMap((name) => {
    const parts = used.flatMap(({ adapter, weight }) => {
      const product = adapter.products.get(name);
      return product === undefined ? [] : [{ adapter, weight, product }];
    });
    const { module, a, b, embedding, transposed } = (parts[0] as { product: LoraProduct }).product;
    for (const { adapter, product } of parts) {
      const same = [product.a.shape.slice(1), product.b.shape[0], product.b.shape.slice(2)].join(';');
      if (same === [a.shape.slice(1), b.shape[0], b.shape.slice(2)].join(';') && product.transposed === transposed)
        continue;
      throw new RadinError(
        'POOL',
        `Expected module ${quote(module)} to be adapted alike in all adapters but found other shapes, or fan_in_fan_out, in ${adapter.path}`,
      );
    }
    const rank = parts.reduce((sum, { product }) => sum + product.rank, 0);
    const [outputs = 0, , ...ones] = b.shape;
    const called = (factor: string) =>
      `${PREFIX}${module}.lora_${embedding ? `embedding_${factor}` : `${factor}.weight`}`;
    return [
      tensor(called('A'), [rank, ...a.shape.slice(1)], async () => {
        const pieces = await Promise.all(parts.map(({ adapter, product }) => adapter.a(product)));
        return concatenated(pieces);
      }),
      tensor(called('B'), [outputs, rank, ...ones], async () => {
        const values = new Float64Array(outputs * rank);
        let column = 0;
        for (const { adapter, weight, product } of parts) {
          const factor = weight * product.scale;
          const piece = await adapter.b(product);
          for (let at = 0; at < piece.length; at++) {
            const row = Math.floor(at / product.rank);
            values[row * rank + column + (at % product.rank)] = factor * (piece[at] as number);
          }
          column += product.rank;
        }
        return values;
      }),
    ];
  });
}

/** Of tensors that adapters hold whole; all must have them. */
function averages(used: readonly Weighted[]): NewTensor[] {
  const [first] = used as readonly [Weighted];
  for (const { adapter } of used) {
    for (const [name, { dtype, shape }] of adapter.replaced) {
      const missing = used.find((other) => {
        const found = other.adapter.replaced.get(name);
        return found === undefined || formatShape(found.shape) !== formatShape(shape);
      });
      const where = `${adapter.path}, tensor ${quote(name)}`;
      if (missing !== undefined) {
        throw new RadinError(
          'POOL',
          `Expected ${missing.adapter.path} to have the tensor of ${where} but found none of its shape`,
        );
      }
      if (!isFloatDtype(dtype))
        throw new RadinError('POOL', `Expected weights of floats but found ${dtype} in ${where}`);
    }
  }
  return [...first.adapter.replaced].map(([name, { shape }]) =>
    tensor(`${PREFIX}${name}`, shape, async () => {
      let sum = new Float64Array(0);
      for (const { adapter, weight } of used) {
        const { dtype, byteLength, name: own } = adapter.replaced.get(name) as TensorInfo;
        const bytes = new Uint8Array(byteLength);
        await adapter.file.check?.(own);
        await adapter.file.read(own, bytes);
        const values = floatValues(bytes, dtype as 'F32');
        if (sum.length === 0) sum = new Float64Array(values.length);
        for (let at = 0; at < values.length; at++) sum[at] = (sum[at] as number) + weight * (values[at] as number);
      }
      return sum;
    }),
  );
}

function tensor(name: string, shape: readonly number[], values: NewTensor['values']): NewTensor {
  const elements = shape.reduce((product, size) => product * size, 1);
  return { name, dtype: 'F32', shape, byteLength: FLOAT32_BYTES * elements, values };
}

function concatenated(pieces: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
