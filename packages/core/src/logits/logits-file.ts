import type { FloatDtype } from '@radin/native';
import { type Labels, samplesOf } from '../data/index.js';
import { RadinError } from '../errors/index.js';
import { formatShape, openNpy } from '../formats/index.js';
import { expectedShape, fitsTask, type TaskName } from '../metric/index.js';
import { toFloat32 } from './convert.js';
import { type Logits, type StoredLogits, storedInMemory } from './logits.js';
import { scoredLogits } from './scored-logits.js';

/** A `.npy` file of logits, open. */
export interface LogitsFile {
  readonly logits: StoredLogits;
  /** All of them, in memory. @throws RadinError naming the first sample and class where one is NaN or infinite */
  read(): Promise<Logits>;
  close(): Promise<void>;
}

const FLOATS: ReadonlySet<string> = new Set<FloatDtype>(['F16', 'F32', 'F64']);

/**
 * Outputs of one model in a `.npy` file as the rows that are scored (`scoredLogits`), in memory.
 * @throws RadinError where the shape is not what the task asks for
 */
async function readOutputs(path: string, labels: Labels, task: TaskName): Promise<LogitsFile> {
  const file = await openNpy(path);
  try {
    const { dtype, shape } = file;
    const [samples = 0, positions] = shape;
    if (samples === 0 || !fitsTask(task, shape) || (labels.tokens && labels.tokens.positions !== positions)) {
      const expected = labels.tokens
        ? `[samples, ${labels.tokens.positions}, classes], as there are labels,`
        : expectedShape(task, 'samples');
      throw new RadinError('DATA', `Expected logits of shape ${expected} but found ${formatShape(shape)} in ${path}`);
    }
    const values = toFloat32(new Uint8Array(await file.read()), dtype, path);
    const outputs = { values, samples, classes: values.length / samples };
    checkSamples(samples, labels, path);
    const rows = scoredLogits(outputs, labels);
    return {
      logits: { ...storedInMemory(rows), path },
      read: async () => finite(rows.values, rows.samples, rows.classes, path),
      close: async () => {},
    };
  } finally {
    await file.close();
  }
}

/** @throws RadinError where there is not one label for each sample. */
function checkSamples(samples: number, labels: Labels, path: string): void {
  const labelled = samplesOf(labels);
  if (labelled === samples) return;
  throw new RadinError(
    'DATA',
    `Expected ${samples} labels, one per row of ${path}, but found ${labelled} in ${labels.path}`,
  );
}

/**
 * Opens logits of shape [M, C] in a `.npy` file: float32, float16 (exact) or float64 (rounded to float32). Reads the header
 * only, and all of it where the bytes are in the order of another machine. @throws RadinError
 */
export async function openLogits(path: string): Promise<LogitsFile> {
  const file = await openNpy(path);
  try {
    const { dtype, shape } = file;
    const [samples, classes] = shape;
    if (shape.length !== 2 || samples === undefined || classes === undefined || samples === 0 || classes < 2) {
      throw new RadinError(
        'DATA',
        `Expected logits of shape [samples, classes] with at least one sample and two classes but found ${formatShape(shape)} in ${path}`,
      );
    }
    if (!FLOATS.has(dtype)) {
      throw new RadinError('DATA', `Expected logits of dtype F32, F16 or F64 but found ${dtype} in ${path}`);
    }
    const source = file.range ?? (await file.read());
    return {
      logits: { dtype: dtype as FloatDtype, source, samples, classes, path },
      read: async () => finite(toFloat32(await file.read(), dtype, path), samples, classes, path),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Opens several and always closes them. Outputs of other tasks than multi-class are read into memory.
 * @param labels what they will be scored against
 * @throws RadinError where one cannot be opened, or after use
 */
export async function withLogitsFiles<T>(
  paths: readonly string[],
  use: (logits: readonly StoredLogits[]) => Promise<T>,
  labels?: Labels,
): Promise<T> {
  const files: LogitsFile[] = [];
  try {
    for (const path of paths) {
      files.push(await (labels?.task ? readOutputs(path, labels, labels.task) : openLogits(path)));
    }
    return await use(files.map(({ logits }) => logits));
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

function finite(values: Float32Array, samples: number, classes: number, path: string): Logits {
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number;
    if (value - value === 0) continue;
    throw new RadinError(
      'DATA',
      `Expected finite logits but found ${value} in ${path}, sample ${Math.floor(at / classes)}, class ${at % classes}`,
    );
  }
  return { values, samples, classes };
}
