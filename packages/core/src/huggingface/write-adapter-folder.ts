import { dirname, join } from 'node:path';
import {
  ADAPTER_CONFIG,
  type LoraAdapter,
  type TensorInfo,
  writeSafetensors,
  writeTextAtomically,
} from '../formats/index.js';
import { type Mixture, plainRecord, RECORD_KEY, type SoupRecord } from '../mixture/index.js';
import { type Checkpoint, modelId } from '../pool/index.js';
import { concatenatedConfig } from './adapter-config.js';
import { withAdapterSoup } from './adapter-soup.js';
import { type CardFacts, modelCard, sharedFrontMatter } from './model-card.js';
import { replaceFolder } from './replace-folder.js';
import type { WrittenFolder } from './write-model-folder.js';

/**
 * Writes a soup of LoRA adapters as one adapter that PEFT reads, with its configuration and a model card (see `withAdapterSoup`). Whole or not
 * at all.
 * @param adapters of the pool, one for each weight of the mixture
 * @param options `base` is the file of the base model, where it is known
 * @throws RadinError `POOL` where the adapters have no soup of this form; `FILE` where the folder cannot be written
 */
export async function writeAdapterFolder(
  folder: string,
  adapters: readonly LoraAdapter[],
  mixture: Mixture,
  facts: CardFacts,
  options: { readonly signal?: AbortSignal; readonly record?: SoupRecord; readonly base?: string } = {},
): Promise<WrittenFolder> {
  return withAdapterSoup(adapters, mixture, options.base, (soup) =>
    write(folder, adapters, soup, mixture, facts, options),
  );
}

async function write(
  folder: string,
  adapters: readonly LoraAdapter[],
  soup: Checkpoint,
  mixture: Mixture,
  facts: CardFacts,
  options: { readonly signal?: AbortSignal; readonly record?: SoupRecord },
): Promise<WrittenFolder> {
  const used = mixture.ingredientsOf(adapters);
  const plain = plainRecord(
    mixture,
    adapters.map(({ path }) => modelId(path)),
  );
  const { models: ids, weights } = plain;
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
