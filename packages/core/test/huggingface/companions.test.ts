import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { modelCard } from '../../src/huggingface/model-card.js';
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

test('a card is YAML whatever characters names have', () => {
  const names = [
    'plain',
    'a: "b" # c',
    '\u007f\u0085\u009f',
    '\u2028\u2029',
    '\ufeff\ufffe',
    'é 模型 🍲',
    "- 'x'",
    '\ud800',
  ];
  const card = modelCard({
    title: 'Model soup',
    what: 'A model soup.',
    tags: ['merge'],
    baseModels: names,
    shared: new Map([['license', 'a\u0085b']]),
    ingredients: names.map((name) => ({ name, weight: 1 / names.length })),
    method: 'radin average',
    version: '0',
    scores: [],
  });
  const [, front = ''] = card.split(/^---$/m);
  // The characters that YAML 1.2 prints, and no others: the rest must be escaped in quotes.
  expect(front).toMatch(/^[\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]*$/u);
  // Quoted texts of YAML with JSON's escapes.
  const quoted = [...front.matchAll(/^- (".*")$/gm)].map(([, text = '']) => JSON.parse(text));
  expect(quoted).toEqual([...names, 'merge']);
});
