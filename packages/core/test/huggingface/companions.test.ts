import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCompanion } from '../../src/huggingface/model-folder.js';
import { refused, temporaryFolder } from '../files.js';

const root = temporaryFolder();

test('a companion of a model is a file in its folder, or a blob of its repository, and no link to elsewhere', async () => {
  const folder = mkdtempSync(join(root, 'model-'));
  writeFileSync(join(root, 'secret'), 'secret');
  writeFileSync(join(folder, 'real.json'), '{}');
  symlinkSync('real.json', join(folder, 'config.json'));
  expect(Buffer.from((await readCompanion(folder, 'config.json')) as Uint8Array).toString()).toBe('{}');
  expect(await readCompanion(folder, 'tokenizer.json')).toBeUndefined();
  for (const [name, target] of [
    ['vocab.txt', '../secret'],
    ['merges.txt', join(root, 'secret')],
  ] as const) {
    symlinkSync(target, join(folder, name));
    await expect(readCompanion(folder, name)).rejects.toEqual(
      refused('FILE', /in its folder but found a link out of it/),
    );
  }

  const repository = join(root, 'models--org--name');
  const snapshot = join(repository, 'snapshots', '0'.repeat(40));
  mkdirSync(snapshot, { recursive: true });
  mkdirSync(join(repository, 'blobs'));
  writeFileSync(join(repository, 'blobs', 'x'), '{"a":1}');
  writeFileSync(join(repository, 'other'), 'secret');
  symlinkSync('../../blobs/x', join(snapshot, 'config.json'));
  symlinkSync('../../other', join(snapshot, 'LICENSE'));
  expect(Buffer.from((await readCompanion(snapshot, 'config.json')) as Uint8Array).toString()).toBe('{"a":1}');
  await expect(readCompanion(snapshot, 'LICENSE')).rejects.toEqual(refused('FILE', /a link out of it/));
});
