import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FIXTURES = fileURLToPath(new URL('../../../core/test/formats/fixtures/', import.meta.url));

/** A valid file that another program wrote, from those of the tests. */
export const fixture = (name: string): Buffer => readFileSync(FIXTURES + name);
