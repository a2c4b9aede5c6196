import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { linearPool, modelPath } from './pools.js';
import { refusal } from './refusal.js';
import { runRadinHere } from './run-radin.js';

const COMMANDS = {
  search: ['search', '.', '--out', 'out'],
  compare: ['compare', '.', '--budgets', '1', '--out', 'out'],
  bench: ['bench', '.', '--quick', '--out', 'out'],
};

const KINDS: Readonly<Record<string, (path: string) => void>> = {
  'a folder': (path) => void mkdirSync(path),
  'a pipe': (path) => void execFileSync('mkfifo', [path]),
  'a device': (path) => symlinkSync('/dev/null', path),
};

it.each<[keyof typeof COMMANDS, string, string]>([
  ['search', 'soup.safetensors', 'a folder'],
  ['search', 'result.json', 'a pipe'],
  ['search', 'radin.lock.json', 'a device'],
  ['search', 'report.html', 'a folder'],
  ['compare', 'comparison.json', 'a device'],
  ['compare', 'soup.safetensors', 'a pipe'],
  ['bench', 'paper.json', 'a folder'],
  ['bench', 'report.html', 'a pipe'],
])('%s refuses in the place of %s %s before it opens a model', async (command, name, kind) => {
  const message = await refusal(COMMANDS[command], (pool) => {
    mkdirSync(join(pool.folder, 'out'));
    KINDS[kind]?.(join(pool.folder, 'out', name));
    truncateSync(modelPath(pool, 'a'), 9);
  });
  expect(message).toBe(
    `radin: error: Expected to write a regular file but found something else: ${join('out', name)}\n`,
  );
});

it.each([
  ['a hard link', linkSync],
  ['a symbolic link', symlinkSync],
] as const)('search refuses %s from its journal to an input, with --restart too', async (_, link) => {
  const { folder } = await linearPool();
  const labels = join(folder, 'val_labels.npy');
  const before = readFileSync(labels);
  mkdirSync(join(folder, 'out'));
  link(labels, join(folder, 'out', 'journal.jsonl'));
  for (const restart of [[], ['--restart']]) {
    const { code, stderr } = await runRadinHere([...COMMANDS.search, ...restart], folder);
    expect(stderr).toMatch(/^radin: error: Expected .* but found .*journal\.jsonl\n$/);
    expect(code).toBe(2);
    expect(readFileSync(labels)).toEqual(before);
  }
});

it('search refuses to write where a model that is not in the soup was changed after it was hashed, for it had a part in the choice', async () => {
  const pool = await linearPool({ models: 8 });
  const { folder } = pool;
  const score =
    'logits.reduce((sum, logit, at) => sum + (at % classes === labels[Math.floor(at / classes)] ? logit : 0), 0)';
  const metric = (file: string, before: string) =>
    writeFileSync(
      join(folder, file),
      `import { utimesSync } from 'node:fs';\nexport default { name: 'own', higherIsBetter: true, score: ({ logits, labels, classes }) => { ${before} return ${score}; } };`,
    );
  const search = ['search', '.', '--budget', '2', '--out', 'out', '--no-cache', '--json', '--metric'];
  metric('still.mjs', '');
  const { best } = JSON.parse((await runRadinHere([...search, './still.mjs'], folder)).stdout) as {
    best: { models: string[] };
  };
  const other = pool.models.find(({ id }) => !best.models.includes(id))?.id as string;
  const path = modelPath(pool, other);
  rmSync(join(folder, 'out'), { recursive: true });
  metric('touching.mjs', `utimesSync(${JSON.stringify(path)}, 1, 1);`);
  const { code, stderr } = await runRadinHere([...search, './touching.mjs'], folder);
  expect(stderr).toContain('Expected a file that stays as it is but found a change while it was read: ');
  expect(stderr).toContain(`${other}.safetensors`);
  expect(code).toBe(2);
  expect(existsSync(join(folder, 'out', 'result.json'))).toBe(false);
});
