import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeTables } from '../src/document.js';
import type { KernelsResult, Row } from '../src/result.js';
import { markdown, resultText, tableOf } from '../src/table.js';

const row = (name: string, side: Row['side'], threads: number, seconds: number[], share = 1): Row => ({
  name,
  side,
  threads,
  share,
  seconds,
});

const result = {
  id: 'average',
  title: 'One average',
  data: '2 models',
  bytes: { read: 2, write: 1 },
  rows: [
    row('limit', 'limit', 1, [0.011, 0.01, 0.02]),
    row('limit', 'limit', 2, [0.008, 0.008, 0.008]),
    row('ours', 'ours', 1, [0.016, 0.017, 0.016]),
    row('ours', 'ours', 2, [0.02, 0.02, 0.02]),
    row('peer', 'peer', 1, [0.1, 0.1, 0.1], 0.5),
  ],
  notices: ['a note'],
};

const run: KernelsResult = {
  experiment: 'kernels',
  size: 'small',
  seed: 0,
  environment: {
    cpu: 'a CPU',
    cores: 2,
    caches: [],
    memoryBytes: 2 ** 34,
    os: 'an OS',
    node: 'v20',
    compiler: 'c++',
    backend: 'cpu-portable',
    commit: 'abc',
  },
  results: [result],
};

it('ratios are of medians, each side at its better number of threads, and parts are scaled', () => {
  expect(tableOf(result)).toEqual([
    ['', '1 thread, ms', '2 threads, ms', '× limit', '× ours'],
    ['limit', '11.0 (10.0–20.0)', '8.00 (8.00–8.00)', '1.00', '0.500'],
    ['ours', '16.0 (16.0–17.0)', '20.0 (20.0–20.0)', '2.00', '1.00'],
    ['peer', '≈ 200 (200–200)', '', '25.0', '12.5'],
  ]);
});

it('the columns of a terminal’s table are aligned', () => {
  const lines = resultText(result).split('\n').slice(1, 5);
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  expect(resultText(result)).toContain('note: a note');
});

it('the tables of a document are replaced and the rest of it stays', () => {
  const folder = mkdtempSync(join(tmpdir(), 'radin-table-'));
  try {
    const path = join(folder, 'performance.md');
    writeFileSync(path, 'before\n<!-- kernels -->\nold\n<!-- /kernels -->\nafter\n');
    writeTables(path, run);
    const text = readFileSync(path, 'utf8');
    expect(text).toBe(`before\n<!-- kernels -->\n${markdown(run)}\n<!-- /kernels -->\nafter\n`);
    expect(text).toContain('| peer | ≈ 200 (200–200) |  | 25.0 | 12.5 |');
    writeFileSync(path, 'no place');
    expect(() => writeTables(path, run)).toThrow('Expected <!-- kernels -->');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
