import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type LinearPool, modelPath, writeLabels } from './pools.js';
import { averaged, LOCK, refusal, SOUP, searched } from './recorded-soups.js';
import { runRadinHere } from './run-radin.js';

/** Replaces a text in a file, of the same length where the file is no text. */
function replace(path: string, from: string | RegExp, to: string): void {
  const before = readFileSync(path, 'latin1');
  const after = before.replace(from, to);
  expect(after).not.toBe(before);
  writeFileSync(path, after, 'latin1');
}

/** Another last bit in the element of the file's last tensor that is so many before its end. */
function flip(path: string, fromEnd: number): void {
  const bytes = readFileSync(path);
  const at = bytes.length - 4 * fromEnd;
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(path, bytes);
}

describe('verify finds what was altered:', () => {
  it('a bit of a tensor, and names the element', async () => {
    const { folder } = await averaged();
    flip(join(folder, SOUP), 5);
    const message = await refusal(folder, SOUP);
    expect(message).toMatch(
      /Expected the average of the ingredients, 0x\w{8}, but found 0x\w{8} .*tensor "weight", element 19$/m,
    );
    const { stdout, code } = await runRadinHere(['verify', SOUP, '--json'], folder);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      verified: false,
      ingredients: 3,
      differing: { kind: 'tensor', name: 'weight', element: 19 },
    });
  });

  it.each<[string, (pool: LinearPool) => unknown, RegExp]>([
    [
      'an ingredient',
      (pool) => flip(modelPath(pool, 'b'), 1),
      /the ingredient "b" with contents of sha256 .* in .*b\.safet/,
    ],
    [
      'another model in its place',
      (pool) => copyFileSync(modelPath(pool, 'd'), modelPath(pool, 'c')),
      /ingredient "c"/,
    ],
    [
      'weights in the lock',
      ({ folder }) => replace(join(folder, `${SOUP}.lock.json`), '0.7', '0.6'),
      /Expected "weights" of the record in .*soup\.safetensors to be/,
    ],
    [
      'weights in the lock and in the metadata',
      ({ folder }) => {
        replace(join(folder, SOUP), '0.2', '0.1');
        replace(join(folder, SOUP), '0.1', '0.2');
        replace(join(folder, `${SOUP}.lock.json`), /0\.1(\d*),(\s+)0\.2(\d*)/, '0.2$1,$20.1$3');
      },
      /tensor "\w+", element 0$/m,
    ],
    [
      'the metadata',
      ({ folder }) => replace(join(folder, SOUP), /averaging\\":\d/, 'averaging\\":0'),
      /Expected "versions" of the record/,
    ],
    [
      'the file beside tensors and record',
      ({ folder }) =>
        replace(
          join(folder, `${SOUP}.lock.json`),
          /("path": "soup.safetensors",\s+"bytes": \d+,\s+"sha256": ")..../,
          '$10123',
        ),
      /Expected sha256 0123\w+ but found \w+ of .*soup\.safetensors/,
    ],
    [
      'a soup that is another',
      (pool) => copyFileSync(modelPath(pool, 'a'), join(pool.folder, SOUP)),
      /its record in its metadata/,
    ],
  ])('%s', async (_, alter, message) => {
    const pool = await averaged();
    await alter(pool);
    expect(await refusal(pool.folder, SOUP)).toMatch(message);
  });

  it.each<[string, (pool: LinearPool) => unknown, RegExp]>([
    [
      'a score in the lock and in the metadata',
      ({ folder }) => {
        const { scores } = JSON.parse(readFileSync(join(folder, LOCK), 'utf8')).record;
        const other = String(scores.validation).replace(/\d$/, (digit) => String((Number(digit) + 1) % 10));
        replace(join(folder, LOCK), `"validation": ${scores.validation}`, `"validation": ${other}`);
        replace(join(folder, SOUP), `validation\\":${scores.validation}`, `validation\\":${other}`);
      },
      /Expected sha256 .* of .*soup\.safetensors/,
    ],
    [
      'labels',
      ({ folder, validation }) => writeLabels(join(folder, 'val_labels.npy'), validation.labels.toReversed()),
      /Expected the validation split \{"samples":150,.* but found \{"samples":150,/,
    ],
    [
      'the result beside the soup',
      ({ folder }) => replace(join(folder, 'out/result.json'), '"seed": 0', '"seed": 1'),
      /Expected sha256 \w+ but found \w+ of .*result\.json/,
    ],
    ['the graph', ({ folder }) => replace(join(folder, 'model.onnx'), 'linear', 'Linear'), /of .*model\.onnx/],
  ])('%s', async (_, alter, message) => {
    const pool = await searched();
    await alter(pool);
    expect(await refusal(pool.folder, 'out', '--scores')).toMatch(message);
  });

  it('a score, where the lock was made to fit', async () => {
    const { folder } = await searched();
    rmSync(join(folder, LOCK));
    const text = readFileSync(join(folder, SOUP), 'latin1');
    const [, score = ''] = /scores\\":\{\\"validation\\":([\d.]+)/.exec(text) ?? [];
    const other = score.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10));
    writeFileSync(join(folder, SOUP), text.replace(`validation\\":${score}`, `validation\\":${other}`), 'latin1');
    expect(await refusal(folder, 'out', '--pool', '.', '--scores')).toMatch(
      `Expected a validation accuracy of ${other} but found ${score} of `,
    );
  });
});

describe('a hostile lock is refused in one line:', () => {
  it.each<[string, (text: string, folder: string) => string]>([
    ['no JSON', () => '{'],
    ['other bytes', () => '\u0000\u0001'],
    ['a list', () => '[]'],
    ['deep nesting', () => '['.repeat(200_000)],
    ['no keys', () => '{}'],
    ['more keys', (text) => text.replace('{', '{ "evaluator": { "command": "touch pwned" },')],
    ['another format', (text) => text.replace('"format": 1', '"format": 2')],
    ['negative weights', (text) => text.replace('0.7', '-0.7')],
    ['weights of another sum', (text) => text.replace('0.7', '0.9')],
    ['weights beyond numbers', (text) => text.replace('0.7', '1e999')],
    ['weights that are texts', (text) => text.replace('0.7', '"0.7"')],
    ['a weight too few', (text) => text.replace(/,\s+0\.7\d*/, '')],
    ['no prototype', (text) => text.replace('"format": 1,', '"format": 1, "__proto__": {}, "toString": 1,')],
    ['another id', (text) => text.replace('"id": "a"', '"id": "b"')],
    ['the same ingredient twice', (text) => text.replaceAll('models/b.safetensors', 'models/a.safetensors')],
    ['a path to a folder', (text) => text.replaceAll('models/b.safetensors', 'models')],
    ['a path that no file can have', (text) => text.replaceAll('models/b.safetensors', 'models/b\\u0000')],
    ['a path to a device', (text) => text.replaceAll(/[^"]*models.b\.safetensors/g, '/dev/zero')],
    [
      'a path to a pipe',
      (text, folder) => {
        expect(spawnSync('mkfifo', [join(folder, 'models', 'pipe')]).status).toBe(0);
        return text.replaceAll('models/b.safetensors', 'models/pipe');
      },
    ],
  ])('%s', async (_, change) => {
    const { folder } = await averaged();
    const path = join(folder, `${SOUP}.lock.json`);
    writeFileSync(path, change(readFileSync(path, 'utf8'), folder));
    await refusal(folder, SOUP);
  });
});
