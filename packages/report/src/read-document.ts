import { readFile, stat } from 'node:fs/promises';
import { fileError, quote, RadinError } from '@radin/core';
import type { z } from 'zod';
import type { DocumentKind, DocumentKinds, Versioned } from './run-documents.js';

/** A run with 200 models leaves 1 to 2 MB. */
const LARGEST = 64 * 2 ** 20;

/**
 * Reads a document of one of these kinds, such as a `result.json`, whose contents are not trusted: what a page is made of is checked, what is not known is
 * left out.
 * @throws RadinError of one line that names the file and the field: where it cannot be read, is larger than 64 MiB, is no JSON, is of
 * another version, or holds something else than a run leaves
 */
export async function readRunDocument<Document extends Versioned>(
  file: string,
  kinds: DocumentKinds<Document>,
): Promise<Document> {
  const value = parseJson(await readText(file), file);
  const schema = (value as { readonly schema?: unknown } | null)?.schema;
  const known = Object.keys(kinds);
  const name = known.find((one) => one === schema);
  if (name === undefined) {
    const found = typeof schema === 'string' ? quote(schema) : schema === undefined ? 'none' : 'something else';
    throw new RadinError(
      'FORMAT',
      `Expected the field schema of ${file} to be one of ${known.map(quote).join(', ')} but found ${found}: this version of radin does not read it`,
    );
  }
  const byName = kinds as Readonly<Record<string, DocumentKind<Document>>>;
  const result = (byName[name] as DocumentKind<Document>).check.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0] as z.core.$ZodIssue;
  throw new RadinError(
    'FORMAT',
    `Expected the field ${fieldName(issue.path)} of ${file} to be valid but found: ${issue.message.replace(/\s+/g, ' ').slice(0, 300)}`,
  );
}

async function readText(file: string): Promise<string> {
  try {
    const found = await stat(file);
    // Reading a pipe or a device may never end.
    if (!found.isFile()) throw new RadinError('FILE', `Expected a regular file but found something else: ${file}`);
    const { size } = found;
    if (size > LARGEST)
      throw new RadinError(
        'FORMAT',
        `Expected a document of at most ${LARGEST} bytes but found ${size} bytes in ${file}`,
      );
    return await readFile(file, 'utf8');
  } catch (error) {
    throw fileError('read', file, error);
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RadinError(
      'FORMAT',
      `Expected JSON but found: ${(error as Error).message.replace(/\s+/g, ' ').slice(0, 200)} in ${file}`,
      { cause: error },
    );
  }
}

/** `candidates[3].approxScore`. */
function fieldName(path: readonly PropertyKey[]): string {
  const parts = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`));
  return quote(parts.join('').replace(/^\./, '')).slice(1, -1) || 'at the top';
}
