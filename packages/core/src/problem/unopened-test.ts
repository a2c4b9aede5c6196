import { stat } from 'node:fs/promises';
import { arraySources, rowsOf, type Split, type SplitFiles } from '../data/index.js';
import { fileError, RadinError } from '../errors/index.js';
import { arrayPlace, dtypeBytes } from '../formats/index.js';
import type { PoolFiles } from './problem-files.js';

/** What is known of the test split before a choice is made: nothing that its files hold, only that they are there and how large they are. */
export interface UnopenedTest {
  /** M, by the sizes of its files beside those of the validation split: exact where both are plain arrays of one dtype. */
  readonly samples: number;
  /** Rows of its logits, as many for each sample as in the validation split. */
  readonly rows: number;
  /** Whether the models' logits on it were computed elsewhere. */
  readonly hasGivenLogits: boolean;
}

/** Looks at the files of the test split from outside. @throws RadinError where one is missing or no regular file */
export async function lookAtTest(files: PoolFiles, validation: Split): Promise<UnopenedTest | undefined> {
  const { test, logits } = files;
  if (test === undefined) return undefined;
  const bytes = await bytesOf(test);
  await sumOfSizes(logits?.test ?? []);
  const samples = samplesIn(bytes, await bytesOf(files.validation), validation);
  const rows = Math.ceil((samples * rowsOf(validation.labels)) / validation.samples);
  return { samples, rows, hasGivenLogits: logits?.test !== undefined };
}

/** Samples in so many bytes, at as many bytes a sample as the validation split's files have; what these hold besides, such as a header, both have. */
function samplesIn(bytes: number, validationBytes: number, { inputs, part, samples }: Split): number {
  const known = part?.of ?? samples;
  const plain = known * inputs.all.reduce((sum, one) => sum + sampleBytes(one), 0);
  const besides = plain === 0 ? 0 : Math.max(0, validationBytes - plain);
  return Math.max(1, Math.ceil((known * (bytes - besides)) / Math.max(1, validationBytes - besides)));
}

function sampleBytes({ dtype, shape }: Split['inputs']): number {
  return shape.slice(1).reduce((product, size) => product * size, dtypeBytes(dtype));
}

/** Of the inputs, or of the labels where only a program knows the inputs; the others must be there too. */
async function bytesOf({ inputs, labels, groups }: SplitFiles): Promise<number> {
  const sizes = [inputs, labels, groups].map((one) => sumOfSizes(one === undefined ? [] : arraySources(one)));
  const [ofInputs, ofLabels] = (await Promise.all(sizes)) as [number, number, number];
  return inputs === undefined ? ofLabels : ofInputs;
}

async function sumOfSizes(sources: readonly string[]): Promise<number> {
  let sum = 0;
  for (const source of sources) sum += await sizeOf(arrayPlace(source).path);
  return sum;
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch((error: unknown) => {
    throw fileError('read', path, error);
  });
  if (found.isFile()) return found.size;
  const kind = found.isDirectory() ? 'a folder' : 'a pipe, socket or device';
  throw new RadinError('FILE', `Expected a regular file but found ${kind}: ${path}`);
}
