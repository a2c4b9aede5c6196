import type { FloatDtype, Source } from '@radin/native';
import { type Labels, samplesOf } from '../data/index.js';
import { RadinError } from '../errors/index.js';
import { dtypeBytes, formatShape, openNpy } from '../formats/index.js';
import { expectedShape, fitsTask } from '../metric/index.js';
import { toFloat32 } from './convert.js';
import { type Logits, type StoredLogits, storedInMemory } from './logits.js';
import type { LogitsStore } from './logits-store.js';
import { isScoredAsItIs, scoredClasses, scoredLogits } from './scored-logits.js';

/** A `.npy` file of one model's outputs, open. */
export interface LogitsFile {
  /** As a model gives them: `samples` rows of `classes` numbers, of tokens T · C. */
  readonly logits: Omit<StoredLogits, 'source'> & { readonly path: string };
  /** Where they are as stage 1 reads them; undefined where they have to be read: in the byte order of another machine, or in Fortran order. */
  readonly source: Source | undefined;
  /** All of them, in memory. @throws RadinError naming the first place where one is NaN or infinite */
  read(): Promise<Logits>;
  close(): Promise<void>;
}

const FLOATS: ReadonlySet<string> = new Set<FloatDtype>(['F16', 'F32', 'F64']);

/** What says which shape outputs have; left out: classes of samples, [M, C]. */
type Expected = Pick<Labels, 'task' | 'tokens'>;

/**
 * Opens a model's outputs in a `.npy` file, of the shape that the task asks for: float32, float16 (exact) or float64 (rounded to
 * float32). Reads the header only. @throws RadinError
 */
export async function openLogits(path: string, expected: Expected = {}): Promise<LogitsFile> {
  const file = await openNpy(path);
  try {
    const { dtype, shape } = file;
    checkShape(shape, expected, path);
    if (!FLOATS.has(dtype)) {
      throw new RadinError('DATA', `Expected logits of dtype F32, F16 or F64 but found ${dtype} in ${path}`);
    }
    const samples = shape[0] as number;
    const classes = shape.slice(1).reduce((product, size) => product * size, 1);
    return {
      logits: { dtype: dtype as FloatDtype, samples, classes, path },
      source: file.range,
      read: async () => finite({ values: toFloat32(await file.read(), dtype, path), samples, classes }, expected, path),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function checkShape(shape: readonly number[], { task = 'multi-class', tokens }: Expected, path: string): void {
  const hasTokens = tokens === undefined || shape[1] === tokens.positions;
  if ((shape[0] ?? 0) > 0 && fitsTask(task, shape) && hasTokens) return;
  const expected =
    tokens !== undefined
      ? `[samples, ${tokens.positions}, classes], as there are labels,`
      : task === 'multi-class'
        ? '[samples, classes] with at least one sample and two classes'
        : expectedShape(task, 'samples');
  throw new RadinError('DATA', `Expected logits of shape ${expected} but found ${formatShape(shape)} in ${path}`);
}

/** How models' outputs become rows that are scored. */
export interface ScoredRowsOptions {
  /** What they will be scored against; left out: classes of samples. */
  readonly labels?: Labels;
  /** Where rows that are not in the files as they are scored are kept; default: in memory. */
  readonly store?: LogitsStore | undefined;
  /** Whether rows of other types are read too, for metrics that look at averaged logits. */
  readonly asFloat32?: boolean;
}

/** What a header says of the rows that are scored. */
export interface ScoredShape {
  readonly samples: number;
  readonly classes: number;
  /** Bytes that are in memory while a model's rows are read; 0 where they are scored where they are. */
  readonly reading: number;
}

/** Reads the header of a model's outputs. @throws RadinError where it has other samples than the labels */
export async function scoredShape(path: string, options: ScoredRowsOptions): Promise<ScoredShape> {
  const file = await openLogits(path, options.labels);
  await file.close();
  const { labels } = options;
  const { dtype, samples, classes } = file.logits;
  if (labels === undefined) return { samples, classes, reading: 0 };
  checkSamples(file, labels);
  const shape = { samples: labels.tokens?.places.length ?? samples, classes: scoredClasses(file.logits, labels) };
  if (sourceOf(file, options) !== undefined) return { ...shape, reading: 0 };
  const outputs = samples * classes;
  // The bytes, twice where they are put in order, as float32, and the rows.
  const { BYTES_PER_ELEMENT } = Float32Array;
  const bytes = (file.source === undefined ? 2 : 1) * outputs * dtypeBytes(dtype);
  const converted = dtype === 'F32' ? 0 : outputs * BYTES_PER_ELEMENT;
  const rows = isScoredAsItIs(file.logits, labels) ? 0 : shape.samples * shape.classes * BYTES_PER_ELEMENT;
  return { ...shape, reading: bytes + converted + rows };
}

/**
 * Opens the outputs of several models as the rows that are scored (`scoredLogits`), and always closes them. Those that are such
 * rows as they are stay in their files, others are read, one model after another.
 * @throws RadinError where one cannot be opened, or has other samples than the labels, or after use
 */
export async function withLogitsFiles<T>(
  paths: readonly string[],
  use: (logits: readonly StoredLogits[]) => Promise<T>,
  options: ScoredRowsOptions = {},
): Promise<T> {
  const files: LogitsFile[] = [];
  try {
    for (const path of paths) {
      const file = await openLogits(path, options.labels);
      files.push(file);
      if (options.labels !== undefined) checkSamples(file, options.labels);
    }
    const rows: StoredLogits[] = [];
    for (const [model, file] of files.entries()) rows.push(await scoredRows(model, file, options));
    return await use(rows);
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

async function scoredRows(model: number, file: LogitsFile, options: ScoredRowsOptions): Promise<StoredLogits> {
  const { labels, store } = options;
  const source = sourceOf(file, options);
  if (source !== undefined) return { ...file.logits, source };
  const outputs = await file.read();
  const rows = labels === undefined ? outputs : scoredLogits(outputs, labels);
  return store === undefined ? { ...storedInMemory(rows), path: file.logits.path } : store.keep(model, rows);
}

/** Where the file has the rows as they are scored; undefined where it has not. */
function sourceOf({ logits, source }: LogitsFile, { labels, asFloat32 }: ScoredRowsOptions): Source | undefined {
  const isAsItIs = labels === undefined || isScoredAsItIs(logits, labels);
  return isAsItIs && (asFloat32 !== true || logits.dtype === 'F32') ? source : undefined;
}

function checkSamples({ logits: { samples, path } }: LogitsFile, labels: Labels): void {
  const labelled = samplesOf(labels);
  if (labelled === samples) return;
  throw new RadinError(
    'DATA',
    `Expected ${samples} labels, one per row of ${path}, but found ${labelled} in ${labels.path}`,
  );
}

function finite(logits: Logits, { tokens }: Expected, path: string): Logits {
  const { values, classes } = logits;
  const perToken = classes / (tokens?.positions ?? 1);
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number;
    if (value - value === 0) continue;
    const token = tokens === undefined ? '' : `token ${Math.floor((at % classes) / perToken)}, `;
    throw new RadinError(
      'DATA',
      `Expected finite logits but found ${value} in ${path}, sample ${Math.floor(at / classes)}, ${token}class ${at % perToken}`,
    );
  }
  return logits;
}
