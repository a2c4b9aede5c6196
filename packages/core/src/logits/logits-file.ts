import type { FloatDtype } from '@radin/native';
import { type Labels, samplesOf } from '../data/index.js';
import { RadinError } from '../errors/index.js';
import { formatShape, openNpy } from '../formats/index.js';
import { expectedShape, fitsTask } from '../metric/index.js';
import { toFloat32 } from './convert.js';
import { type Logits, type StoredLogits, storedInMemory } from './logits.js';
import { isScoredAsItIs, scoredLogits } from './scored-logits.js';

/** A `.npy` file of one model's outputs, open. */
export interface LogitsFile {
  /** As a model gives them: `samples` rows of `classes` numbers, of tokens T · C. */
  readonly logits: StoredLogits;
  /** All of them, in memory. @throws RadinError naming the first place where one is NaN or infinite */
  read(): Promise<Logits>;
  close(): Promise<void>;
}

const FLOATS: ReadonlySet<string> = new Set<FloatDtype>(['F16', 'F32', 'F64']);

/** What says which shape outputs have; left out: classes of samples, [M, C]. */
type Expected = Pick<Labels, 'task' | 'tokens'>;

/**
 * Opens a model's outputs in a `.npy` file, of the shape that the task asks for: float32, float16 (exact) or float64 (rounded to
 * float32). Reads the header only, and all of it where the bytes are in the order of another machine. @throws RadinError
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
    const source = file.range ?? (await file.read());
    return {
      logits: { dtype: dtype as FloatDtype, source, samples, classes, path },
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

/**
 * Opens the outputs of several models as the rows that are scored (`scoredLogits`), and always closes them. Those that are such
 * rows as they are stay in their files, others are read into memory.
 * @param labels what they will be scored against
 * @throws RadinError where one cannot be opened, or has other samples than the labels, or after use
 */
export async function withLogitsFiles<T>(
  paths: readonly string[],
  use: (logits: readonly StoredLogits[]) => Promise<T>,
  labels?: Labels,
): Promise<T> {
  const files: LogitsFile[] = [];
  try {
    const rows: StoredLogits[] = [];
    for (const path of paths) {
      const file = await openLogits(path, labels);
      files.push(file);
      rows.push(labels === undefined ? file.logits : await scoredRows(file, labels));
    }
    return await use(rows);
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

async function scoredRows({ logits, read }: LogitsFile, labels: Labels): Promise<StoredLogits> {
  const { samples, path } = logits;
  const labelled = samplesOf(labels);
  if (labelled !== samples) {
    throw new RadinError(
      'DATA',
      `Expected ${samples} labels, one per row of ${path}, but found ${labelled} in ${labels.path}`,
    );
  }
  if (isScoredAsItIs(logits, labels)) return logits;
  return { ...storedInMemory(scoredLogits(await read(), labels)), path: path as string };
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
