import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { JOURNAL_FILE, Journal } from '@radin/core';
import { findLock } from '../../../core/dist/provenance/find-lock.js';
import { mutant } from '../changes/bytes.js';
import { below, once } from '../changes/choice.js';
import { jsonMutant } from '../changes/json.js';
import type { Reader } from '../reader.js';

const HASH = '0123456789abcdef'.repeat(4);
const PLACE = { path: '../models/a.safetensors', bytes: 8 };
const FILE = { ...PLACE, sha256: HASH };
const LOCK = {
  format: 1,
  record: {
    format: 1,
    models: ['a', 'b'],
    weights: [0.25, 0.75],
    sha256: [HASH, HASH],
    versions: { radin: '0.1.0', averaging: 1 },
    method: 'radin',
    splits: { validation: { samples: 3, labels: HASH } },
    scores: { validation: 0.5 },
  },
  soup: 'soup.safetensors',
  files: [FILE],
  results: [FILE],
  ingredients: [
    { id: 'a', files: [PLACE] },
    { id: 'b', files: [PLACE] },
  ],
  others: [],
  sources: { graph: 'model.onnx', rename: { 'module.': '' }, validation: { inputs: { x: 'x.npy' }, labels: 'y.npy' } },
};

const VERSION = '0.1.0';
const FINGERPRINT = { command: 'search', seed: 0 };
const SOUP = { soup: HASH, split: 'validation', models: ['a'], weights: [1] };
const RECORDS = [
  { record: 'run', format: 1, radin: VERSION, fingerprint: FINGERPRINT },
  { record: 'start', pid: 1, host: 'a', time: '2026-01-01T00:00:00.000Z' },
  { record: 'evaluation', ...SOUP, samples: 3, part: HASH, score: 0.5, correct: 'Bw==' },
  { record: 'lost', ...SOUP, reason: 'the program ended' },
  { record: 'choice', choice: { best: 0 } },
  { record: 'end', time: '2026-01-01T00:00:00.000Z', facts: {} },
];

/** Lines of a journal, each with the checksum that follows from the one before. */
function lines(texts: readonly string[]): Buffer {
  let check = '0'.repeat(16);
  return Buffer.concat(
    texts.map((text) => {
      check = createHash('sha256').update(check).update(text).digest('hex').slice(0, 16);
      return Buffer.from(`${text.slice(0, -1)},"check":"${check}"}\n`);
    }),
  );
}

/** What earlier runs say of themselves: locks of soups, and journals. */
export const RECORD_READERS: readonly Reader[] = [
  {
    name: 'lock',
    mutate: (random) => {
      const text = jsonMutant(random, LOCK);
      return { 'radin.lock.json': once(random, 4) ? mutant(Buffer.from(text), random) : Buffer.from(text) };
    },
    read: async (folder) => void (await findLock(join(folder, 'radin.lock.json'))) as undefined,
  },
  {
    name: 'journal',
    mutate: (random) => {
      const count = 1 + below(random, RECORDS.length);
      const changed = below(random, count + 2);
      const texts = RECORDS.slice(0, count).map((record, at) =>
        at === changed ? jsonMutant(random, record) : JSON.stringify(record),
      );
      const bytes = lines(texts);
      return { [`out/${JOURNAL_FILE}`]: once(random, 4) ? mutant(bytes, random) : bytes };
    },
    read: async (folder) => {
      const out = join(folder, 'out');
      mkdirSync(out, { recursive: true });
      const journal = await Journal.open(out, { version: VERSION });
      try {
        await journal.begin(FINGERPRINT);
        journal.recorded(HASH);
      } finally {
        await journal.close();
      }
      return undefined;
    },
  },
];
