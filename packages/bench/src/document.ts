import { readFileSync, writeFileSync } from 'node:fs';
import { readRunDocument } from '@radin/report';
import { UsageError } from './command-line.js';
import type { EstimatesResult } from './estimates/result.js';
import { estimatesMarkdown } from './estimates/text.js';
import { PAPER_KINDS } from './paper/kinds.js';
import type { PaperResult } from './paper/result.js';
import { paperMarkdown } from './paper/text.js';
import type { KernelsResult } from './result.js';
import type { SoupingResult } from './souping/result.js';
import { soupingMarkdown } from './souping/text.js';
import type { StrategiesResult } from './strategies/result.js';
import { strategiesMarkdown } from './strategies/text.js';
import { markdown } from './table.js';

type Result = KernelsResult | StrategiesResult | EstimatesResult | SoupingResult | PaperResult;

const EXPERIMENTS: readonly (string | undefined)[] = ['kernels', 'strategies', 'estimates', 'souping', 'paper'];

/** @throws UsageError where the file is not the JSON of a run; RadinError where it is one of the paper's and holds something else */
export async function readResult(file: string): Promise<Result> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`Expected the JSON of a run but found: ${(error as Error).message} in ${file}`);
  }
  const experiment = (value as Result | null)?.experiment;
  if (!EXPERIMENTS.includes(experiment)) {
    throw new UsageError(
      `Expected the JSON of a run of kernels, strategies, estimates, souping or paper but found another in ${file}`,
    );
  }
  return experiment === 'paper' ? readRunDocument(file, PAPER_KINDS) : (value as Result);
}

/** All tables of a run as Markdown. */
export function markdownOf(result: Result): string {
  if (result.experiment === 'paper') return paperMarkdown(result);
  if (result.experiment === 'estimates') return estimatesMarkdown(result);
  if (result.experiment === 'souping') return soupingMarkdown(result);
  return result.experiment === 'kernels' ? markdown(result) : strategiesMarkdown(result);
}

/**
 * Replaces the tables of a document by those of a run, so that no figure is ever typed. A document may have the paper's tables of
 * several pools, whose marks have the pools' names.
 * @throws UsageError where the document cannot be read or has no place for them
 */
export function writeTables(document: string, result: Result): void {
  const name = result.experiment === 'paper' ? `paper:${result.pool.name}` : result.experiment;
  const [opening, closing] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const text = textOf(document);
  const [begin, end] = [text.indexOf(opening), text.indexOf(closing)];
  if (begin < 0 || end < begin) {
    throw new UsageError(`Expected ${opening} and then ${closing} but found them not in ${document}`);
  }
  writeFileSync(document, `${text.slice(0, begin + opening.length)}\n${markdownOf(result)}\n${text.slice(end)}`);
}

function textOf(document: string): string {
  try {
    return readFileSync(document, 'utf8');
  } catch (error) {
    throw new UsageError(`Expected a document for --into but found: ${(error as Error).message}`);
  }
}
