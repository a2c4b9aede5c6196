import { basename, join } from 'node:path';
import { readJsonObject, type WrittenModel, writeFileAtomically, writeTextAtomically } from '../formats/index.js';
import { type MixedCheckpoint, type SoupRecord, writeSoup } from '../mixture/index.js';
import type { Pool } from '../pool/index.js';
import { type CardFacts, differingNotice, modelCard, sharedFrontMatter } from './model-card.js';
import { COMPANIONS, folderName, readCompanion } from './model-folder.js';
import { replaceFolder } from './replace-folder.js';

/** A folder as it was written. */
export interface WrittenFolder extends WrittenModel {
  /** What the user should know of what was written, a line each. */
  readonly notices: readonly string[];
}

/**
 * Writes a soup as a model folder that `from_pretrained` of transformers reads: `model.safetensors`, or its shards and index, the
 * configuration, tokenizer and other companions of the ingredients, and a model card. Whole or not at all; an earlier soup is replaced.
 * @param folders those of the pool's models, one for each
 * @throws RadinError as `writeSoup` and `replaceFolder`
 */
export async function writeModelFolder(
  folder: string,
  soup: MixedCheckpoint,
  pool: Pool,
  folders: readonly string[],
  facts: CardFacts,
  options: { readonly signal?: AbortSignal; readonly maxShardBytes?: number; readonly record?: SoupRecord } = {},
): Promise<WrittenFolder> {
  const { ingredients, weights } = soup.mixture;
  const sources = ingredients.map((index) => folders[index] as string);
  const baseModels = sources.map(folderName);
  const ids = ingredients.map((index) => pool.ids[index] as string);
  const configs = await Promise.all(sources.map((source) => readJsonObject(join(source, 'config.json'))));
  const card = modelCard({
    ...facts,
    title: 'Model soup',
    what: `A model soup: the weighted average of the weights of ${ids.length} ${ids.length === 1 ? 'model' : 'models'}.`,
    tags: ['merge', 'model-soup'],
    baseModels,
    shared: await sharedFrontMatter(sources, configs),
    ingredients: ids.map((name, at) => ({ name, weight: weights[ingredients[at] as number] as number })),
  });
  return replaceFolder(folder, async (path) => {
    const notices = await copyCompanions(path, [...new Set(sources)]);
    if (configs.some(({ auto_map: code }) => code !== undefined)) {
      notices.push('config.json names code of the models’ own (auto_map), which is not copied');
    }
    await writeTextAtomically(join(path, 'README.md'), card);
    const metadata = new Map([['format', 'pt']]);
    const written = await writeSoup(join(path, 'model.safetensors'), soup, pool, { ...options, metadata });
    return { ...written, path: join(folder, basename(written.path)), notices };
  });
}

/** @returns a notice where ingredients have different ones */
async function copyCompanions(folder: string, sources: readonly string[]): Promise<string[]> {
  const [first, ...others] = sources as [string, ...string[]];
  const differing: string[] = [];
  for (const name of COMPANIONS) {
    const bytes = await readCompanion(first, name);
    if (bytes !== undefined) await writeFileAtomically(join(folder, name), (sink) => sink.write(bytes));
    if (name === 'config.json') continue; // said when the pool is opened, by its keys
    for (const other of others) {
      const found = await readCompanion(other, name);
      if (found === bytes || (found && bytes && Buffer.compare(found, bytes) === 0)) continue;
      differing.push(name);
      break;
    }
  }
  return differing.length === 0 ? [] : [differingNotice(differing, folderName(first))];
}
