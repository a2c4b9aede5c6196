import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '@radin/core';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { scratchFolder, writeMutant } from '../src/mutant-files.js';
import { verdictOf } from '../src/oracle.js';
import type { Reader } from '../src/reader.js';
import { ARRAY_READERS } from '../src/readers/arrays.js';
import { DOCUMENT_READERS } from '../src/readers/documents.js';
import { ONNX_READERS } from '../src/readers/onnx.js';
import { ONNX_GRAPH_READER } from '../src/readers/onnx-graph.js';
import { PYTORCH_READERS } from '../src/readers/pytorch.js';
import { RECORD_READERS } from '../src/readers/records.js';
import { SAFETENSORS_READERS } from '../src/readers/safetensors.js';
import { STORE_READERS } from '../src/readers/stores.js';

const folder = scratchFolder();
afterAll(() => rmSync(folder, { recursive: true }));

/** All but those that run whole commands, which have tests of their own. */
const FAST = [
  ARRAY_READERS,
  SAFETENSORS_READERS,
  PYTORCH_READERS,
  ONNX_READERS,
  ONNX_GRAPH_READER,
  DOCUMENT_READERS,
  STORE_READERS,
  RECORD_READERS,
].flat();

/** What a reader says of a mutant, in a word; the text of what it must not say. */
async function judged(reader: Reader, index: number): Promise<string> {
  const files = join(folder, reader.name);
  writeMutant(files, reader.mutate(new Random(1, index)));
  try {
    await reader.read(files);
    return 'accepted';
  } catch (error) {
    const verdict = verdictOf(error);
    return verdict.kind === 'finding' ? verdict.what : verdict.kind;
  }
}

describe.each(FAST.map((reader) => [reader.name, reader] as const))(
  'any file changed for the reader %s',
  (_, reader) => {
    test('gives a value or a RadinError of one line', async () => {
      const run = async (index: number) => {
        expect(await judged(reader, index)).toMatch(/^(accepted|refused)$/);
      };
      await fc.assert(fc.asyncProperty(fc.nat(2 ** 31), run), { numRuns: 60, seed: 1 });
    });

    test('depends on its number only', () => {
      const [one, again] = [new Random(1, 7), new Random(1, 7)].map((random) => reader.mutate(random));
      expect(one).toEqual(again);
    });
  },
);

test.each(['labels', 'lock', 'journal', 'config', 'pytorch', 'onnx-graph', 'adapter'])(
  'some of the files for the reader %s are accepted, so that most get deep',
  async (name) => {
    const reader = FAST.find((one) => one.name === name) as Reader;
    let index = 0;
    while (index < 2000 && (await judged(reader, index)) !== 'accepted') index++;
    expect(index).toBeLessThan(2000);
  },
);

test('what is thrown that is no refusal, or more than one line, is a finding', () => {
  const refusal = (message: string) => Object.assign(new Error(message), { name: 'RadinError' });
  expect(verdictOf(refusal('Expected a but found b: x.npy')).kind).toBe('refused');
  for (const bad of [
    new TypeError('x is undefined'),
    'text',
    refusal('two\nlines'),
    refusal('\u001b[2J'),
    refusal('x'.repeat(10_000)),
  ]) {
    expect(verdictOf(bad).kind).toBe('finding');
  }
});
