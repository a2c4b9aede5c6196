import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readRunDocument } from '../src/read-document.js';
import { DOCUMENT_KINDS } from '../src/run-documents.js';
import { comparisonDocument, searchDocument } from './documents.js';

const folder = mkdtempSync(join(tmpdir(), 'radin-report-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let made = 0;
function written(content: unknown): string {
  const file = join(folder, `${made++}.json`);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

describe('the document of a run', () => {
  it.each([1, 2, 13, 200])('is read as it was written, of %d models', async (size) => {
    for (const document of [searchDocument(size), comparisonDocument(size)]) {
      expect(await readRunDocument(written(document), DOCUMENT_KINDS)).toEqual(document);
    }
  });

  it('keeps nothing that is not known', async () => {
    const read = await readRunDocument(written({ ...searchDocument(2), script: 'alert(1)' }), DOCUMENT_KINDS);
    expect(read).not.toHaveProperty('script');
  });

  const search = searchDocument(3);
  const [first] = search.candidates;
  const refused: [string, unknown, RegExp][] = [
    ['no JSON', '{"schema": ', /Expected JSON but found: .*/],
    ['no object', 'null', /the field schema of .* but found none/],
    [
      'no schema',
      { method: 'adaptive' },
      /the field schema of .* to be one of "radin-search-1", "radin-comparison-1" but found none/,
    ],
    ['another version', { ...search, schema: 'radin-search-9' }, /but found "radin-search-9"/],
    ['a schema that is no text', { ...search, schema: {} }, /but found something else/],
    [
      'a text for a number',
      { ...search, candidates: [{ ...first, approxScore: 'high' }] },
      /the field candidates\[0\]\.approxScore of .* expected number/,
    ],
    ['a number beyond all', JSON.stringify(search).replace('"passes":5.25', '"passes":1e999'), /the field passes of/],
    ['a missing field', { ...search, best: undefined }, /the field best of/],
    [
      'more weights than models',
      { ...search, best: { ...search.best, weights: [1, 1, 1, 1, 1] } },
      /the field best\.weights of .* as many weights as models/,
    ],
    ['an unknown metric', { ...search, metric: 'beauty' }, /the field metric of .* expected accuracy/],
    [
      'disagreement of other models',
      { ...search, disagreement: { samples: 10, counts: [[], [1]] } },
      /the field disagreement\.counts of .* a row for each model/,
    ],
    [
      'disagreement that is no triangle',
      { ...search, disagreement: { samples: 10, counts: [[], [1], [1]] } },
      /one count for each model before it/,
    ],
    [
      'disagreement of no samples',
      { ...search, disagreement: { samples: 0, counts: [[], [1], [1, 1]] } },
      /the field disagreement\.samples of/,
    ],
    ['a score beyond all', { ...search, best: { ...search.best, valScore: 1e308 } }, /the field best\.valScore of/],
    [
      'a score that is no fraction',
      { ...search, best: { ...search.best, valScore: 5 } },
      /the field best of .* 0 to 1/,
    ],
    [
      'unknown models',
      { ...search, candidates: [{ ...first, models: first?.models.map(() => 'nobody') }] },
      /the field candidates\[0\]\.models of .* names of models/,
    ],
    [
      'models of one name',
      { ...search, models: search.models.map((one) => ({ ...one, model: 'a' })) },
      /the field models of/,
    ],
    ['another number of models', { ...search, pool: { ...search.pool, models: 4 } }, /the field pool\.models of/],
    ['a mark before the JSON', `\ufeff${JSON.stringify(search)}`, /Expected JSON but found/],
    ['a name of a megabyte', { ...search, sampler: 'x'.repeat(2 ** 20) }, /the field sampler of/],
    ['controls in a key', { ...search, versions: { '\u001b[31m\n': 3 } }, /the field versions/],
    [
      'a row that was not compared',
      { ...comparisonDocument(3), written: { method: 'magic', budget: 1 } },
      /the field written of/,
    ],
  ];

  it.each(refused)('is refused in one line with %s', async (_, content, message) => {
    const file = written(content);
    const error = await readRunDocument(file, DOCUMENT_KINDS).then(
      () => undefined,
      (reason: Error & { code?: string }) => reason,
    );
    expect(error?.message).toMatch(message);
    expect(error?.message).toContain(file);
    expect(error?.message).not.toMatch(/\p{Cc}/u);
    expect(error?.message.length).toBeLessThan(700);
    expect(error).toMatchObject({ name: 'RadinError', code: 'FORMAT' });
  });

  it('is refused before it is read where it is too large, and where it is none', async () => {
    const file = written('{}');
    truncateSync(file, 2 ** 27);
    await expect(readRunDocument(file, DOCUMENT_KINDS)).rejects.toThrow(/at most 67108864 bytes but found 134217728/);
    await expect(readRunDocument(join(folder, 'nothing.json'), DOCUMENT_KINDS)).rejects.toMatchObject({ code: 'FILE' });
    await expect(readRunDocument(folder, DOCUMENT_KINDS)).rejects.toMatchObject({ code: 'FILE' });
  });
});
