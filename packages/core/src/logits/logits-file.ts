import type { FloatDtype } from '@radin/native';
import { RadinError } from '../errors/index.js';
import { formatShape, openNpy } from '../formats/index.js';
import { toFloat32 } from './convert.js';
import type { Logits, StoredLogits } from './logits.js';

/** A `.npy` file of logits, open. */
export interface LogitsFile {
  readonly logits: StoredLogits;
  /** All of them, in memory. @throws RadinError naming the first sample and class where one is NaN or infinite */
  read(): Promise<Logits>;
  close(): Promise<void>;
}

const FLOATS: ReadonlySet<string> = new Set<FloatDtype>(['F16', 'F32', 'F64']);

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

/** Opens several and always closes them. @throws RadinError where one cannot be opened, or after use */
export async function withLogitsFiles<T>(
  paths: readonly string[],
  use: (logits: readonly StoredLogits[]) => Promise<T>,
): Promise<T> {
  const files: LogitsFile[] = [];
  try {
    for (const path of paths) files.push(await openLogits(path));
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
