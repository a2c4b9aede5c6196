import { join } from 'node:path';
import { DOCUMENT_KINDS, readRunDocument, renderPage, runPage } from '@radin/report';
import { mutant } from '../changes/bytes.js';
import { below, of, once } from '../changes/choice.js';
import { jsonMutant } from '../changes/json.js';
import type { Reader } from '../reader.js';
import { runDocuments } from '../seeds/pool.js';

/** Pages that are drawn, one in so many: charts take long. */
const DRAWN = 50;

let read = 0;

/** What earlier runs wrote, result.json and comparison.json, and the page of it. */
export const REPORT_READER: Reader = {
  name: 'report',
  mutate: (random) => {
    const document = of(random, runDocuments());
    const bytes = Buffer.from(
      once(random, 8) ? JSON.stringify(document) : jsonMutant(random, document, 1 + below(random, 2)),
    );
    return { 'result.json': once(random, 8) ? mutant(bytes, random) : bytes };
  },
  read: async (folder) => {
    const document = await readRunDocument(join(folder, 'result.json'), DOCUMENT_KINDS);
    const page = runPage([document], DOCUMENT_KINDS);
    if (read++ % DRAWN === 0) {
      const html = await renderPage(page);
      if (/<script>alert|javascript:/i.test(html)) throw new Error('text of a document became a part of the page');
    }
    return undefined;
  },
};
