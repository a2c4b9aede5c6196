import type { Mixture } from './mixture.js';

/** The key of a soup's metadata that holds its record as JSON. */
export const RECORD_KEY = 'radin';

/** The file beside a soup that says, besides its record, where its ingredients are. */
export const LOCK_FILE = 'radin.lock.json';

/** The data of a split, as they were read: files and formats do not count. */
export interface RecordedSplit {
  readonly samples: number;
  /** SHA-256 of the inputs, hexadecimal: see `inputsSha256`. Absent where only a program knows them. */
  readonly inputs?: string;
  /** SHA-256 of the labels: see `labelsSha256`. */
  readonly labels: string;
}

/**
 * What a soup's file says of how it came about: all that its bits and scores depend on and nothing else, so that the same run gives
 * the same record on every machine, whatever the names of folders, the formats of files, threads and backends.
 */
export interface SoupRecord {
  /** Of this form of record. */
  readonly format?: 1;
  /** Ids of the ingredients, in the order of the pool. */
  readonly models: readonly string[];
  /** p_k > 0 of each ingredient, the very numbers of the average. */
  readonly weights: readonly number[];
  /** `contentSha256` of each ingredient, in the names and dtypes of the soup. */
  readonly sha256?: readonly string[];
  /** Versions that the soup's bits and scores depend on: of RADIN, of its averaging and, where models ran, of ONNX Runtime. */
  readonly versions?: { readonly radin: string; readonly averaging: number; readonly onnxruntime?: string };
  /** How the mixture was chosen. */
  readonly method?: string;
  readonly budget?: number;
  readonly seed?: number;
  readonly metric?: string;
  /** Absent for multi-class. */
  readonly task?: string;
  readonly splits?: Readonly<Record<string, RecordedSplit>>;
  /** The fraction of the validation samples that was kept out of all choices, drawn by the seed: the split `holdout`. */
  readonly holdOut?: number;
  /** Of the soup, by split. */
  readonly scores?: Readonly<Record<string, number>>;
  /** On what the statistics of BatchNorm layers were estimated anew. */
  readonly batchNorm?: { readonly inputs: string; readonly samples: number };
}

/** Ids and weights of the ingredients. */
export function plainRecord(
  { ingredients, weights }: Mixture,
  ids: readonly string[],
): Pick<SoupRecord, 'models' | 'weights'> {
  return {
    models: ingredients.map((index) => ids[index] as string),
    weights: ingredients.map((index) => weights[index] as number),
  };
}
