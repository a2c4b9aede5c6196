import { readFileSync, writeFileSync } from 'node:fs';
import { UsageError } from './options.js';
import type { KernelsResult } from './result.js';
import { markdown } from './table.js';

const BEGIN = '<!-- kernels -->';
const END = '<!-- /kernels -->';

/** @throws UsageError where the file is not the JSON of a run */
export function readResult(file: string): KernelsResult {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`Expected the JSON of a run but found: ${(error as Error).message} in ${file}`);
  }
  if ((value as KernelsResult | null)?.experiment !== 'kernels') {
    throw new UsageError(`Expected the JSON of a run of kernels but found another in ${file}`);
  }
  return value as KernelsResult;
}

/**
 * Replaces the tables of a document by those of a run, so that no figure is ever typed.
 * @throws UsageError where the document has no place for them
 */
export function writeTables(document: string, result: KernelsResult): void {
  const text = readFileSync(document, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) {
    throw new UsageError(`Expected ${BEGIN} and then ${END} but found them not in ${document}`);
  }
  writeFileSync(document, `${text.slice(0, begin + BEGIN.length)}\n${markdown(result)}\n${text.slice(end)}`);
}
