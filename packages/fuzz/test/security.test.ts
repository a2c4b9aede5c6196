import { readdirSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
const text = (path: string) => readFileSync(REPOSITORY + path, 'utf8');

test('each promise of SECURITY.md names tests that there are', () => {
  const rows = text('SECURITY.md')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| promise'));
  expect(rows.length).toBeGreaterThan(15);
  for (const row of rows) {
    const [, file = ''] = /`(packages\/[\w/.-]+\.test\.ts)`/.exec(row) ?? [];
    const titles = [...row.matchAll(/“([^”]+)”/g)].map(([, title]) => title as string);
    expect(titles, row).not.toHaveLength(0);
    const source = text(file);
    for (const title of titles) expect(source.includes(`'${title}'`), `${file} has no test “${title}”`).toBe(true);
  }
});

test('the client of the Hub is the only source that uses the network', () => {
  const NETWORK = /\bfetch\(|node:(http2?|https|net|tls|dgram)'|new (WebSocket|EventSource)\(/;
  const sources = ['native/lib', 'core/src', 'report/src', 'bench/src', 'cli/src'].flatMap((folder) =>
    readdirSync(`${REPOSITORY}packages/${folder}`, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map(({ parentPath, name }) => relative(REPOSITORY, `${parentPath}/${name}`)),
  );
  expect(sources.length).toBeGreaterThan(300);
  expect(sources.filter((path) => NETWORK.test(text(path)))).toEqual(['packages/core/src/huggingface/hub-client.ts']);
});
