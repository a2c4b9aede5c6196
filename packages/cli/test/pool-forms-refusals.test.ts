import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeNpy } from '@radin/core';
import { describe, expect, it } from 'vitest';
import { archive, CHECKPOINTS, inFolders, open, writeParts } from './pool-forms.js';
import { type LinearModel, type LinearPool, layers, linearPool, writeConfig, writeModel } from './pools.js';
import { refusal, type Spoil } from './refusal.js';

describe('search refuses', () => {
  const config = (entries: Record<string, string>) => (pool: LinearPool) => writeConfig(pool.folder, entries);
  const models = `'${CHECKPOINTS}/*'`;
  it.each<[string, Spoil, RegExp]>([
    [
      'a folder without a model',
      async (pool) => {
        await inFolders(pool, true);
        mkdirSync(join(pool.folder, CHECKPOINTS, 'e'));
        writeConfig(pool.folder, { models });
      },
      /a model \(model\.safetensors, model\.safetensors\.index\.json, pytorch_model\.bin or model\.onnx\) in the folder \S+checkpoints\/e but found none/,
    ],
    [
      'a folder with two models',
      async (pool) => {
        await inFolders(pool, true);
        await writeModel(
          join(pool.folder, CHECKPOINTS, 'b', 'model.safetensors'),
          layers(pool.models[1] as LinearModel),
        );
        writeConfig(pool.folder, { models });
      },
      /one model in the folder \S+checkpoints\/b but found/,
    ],
    [
      'an index that leads out of its folder',
      async (pool) => {
        await inFolders(pool, true);
        const text = '{"weight_map": {"weight": "../a/model-00001-of-00002.safetensors"}}';
        writeFileSync(join(pool.folder, CHECKPOINTS, 'b', 'model.safetensors.index.json'), text);
        writeConfig(pool.folder, { models });
      },
      /in the same folder but found "\.\.\/a\/model-00001-of-00002\.safetensors" in \S+checkpoints\/b/,
    ],
    [
      'a shard that is a link out of its folder',
      async (pool) => {
        await inFolders(pool, true);
        const shard = join(pool.folder, CHECKPOINTS, 'c', 'model-00001-of-00002.safetensors');
        renameSync(shard, join(pool.folder, 'moved.safetensors'));
        symlinkSync('../../moved.safetensors', shard);
        writeConfig(pool.folder, { models });
      },
      /a link out of it: \S+checkpoints\/c\/model-00001/,
    ],
    [
      'a base that is not there, though no model is an adapter',
      config({ base: 'base/' }),
      /read \S+base\/ but found: no such file/,
    ],
    ['a rename of nothing', config({ rename: "{ 'modul.': '' }" }), /begins with "modul\.".* found none/],
    ['a rename that is no text', config({ rename: '{ a: 1 }' }), /"rename\.a" to be valid .*radin\.yaml:4:11/],
    [
      'an archive of several arrays without a name',
      (pool) => {
        archive(join(pool.folder, 'val.npz'), pool.validation, true);
        writeConfig(pool.folder, { validation: '{ inputs: val.npz, labels: val_labels.npy }' });
      },
      /one array, or its name as in \S+val\.npz:NAME, but found "x", "y"/,
    ],
    [
      'a pattern that no name of a file can match',
      async (pool) => writeConfig(pool.folder, { models: '"models/*\\0.safetensors"' }),
      /files that match "models\/\*\\u\{0\}\.safetensors" but found none/,
    ],
    [
      'parts whose order their names do not tell',
      async (pool) => {
        await writeParts(pool);
        renameSync(join(pool.folder, 'part-0.npy'), join(pool.folder, 'part-10.npy'));
        writeConfig(pool.folder, { validation: "{ inputs: 'part-*.npy', labels: val_labels.npy }" });
      },
      /one order by letters and by numbers but found "\S+part-10\.npy" and "\S+part-2\.npy"/,
    ],
    [
      'one-hot labels of another number of classes',
      async (pool) => {
        await writeNpy(
          join(pool.folder, 'val_labels.npy'),
          'U8',
          [150, 2],
          Uint8Array.from({ length: 300 }, (_, at) => at % 2),
        );
      },
      /one-hot labels of 4 classes but found 2 in \S+val_labels\.npy/,
    ],
  ])('%s', async (_, spoil, message) => {
    const pool = await linearPool();
    await spoil(pool);
    await expect(open(pool.folder)).rejects.toMatchObject({
      name: 'RadinError',
      message: expect.stringMatching(message),
    });
  });

  it('in one line, with exit code 2, what cannot be read or written in shards', async () => {
    const spoil = async (pool: LinearPool) => {
      await inFolders(pool, true);
      rmSync(join(pool.folder, CHECKPOINTS, 'b', 'model-00002-of-00002.safetensors'));
      writeConfig(pool.folder, { models });
    };
    expect(await refusal(['search', '.', '--out', 'out'], spoil)).toMatch(
      /the shard that .* names, .*model-00002-of-00002/,
    );
    expect(await refusal(['search', '.', '--max-shard-size', '0'])).toMatch(/a size above 0/);
    const args = ['average', 'models/a.safetensors', '--out', 'soup.bin', '--max-shard-size', '1GB'];
    expect(await refusal(args)).toMatch(/to end in \.safetensors but found soup\.bin/);
  });
});
