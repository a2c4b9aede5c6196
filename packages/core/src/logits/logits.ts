import type { FloatDtype, Source } from '@radin/native';

/** One model's logits ŷ_k in memory, float32 [M, C], all finite; as a model gives them, C is the number of outputs of a sample. */
export interface Logits {
  readonly values: Float32Array;
  /** M. */
  readonly samples: number;
  /** C. */
  readonly classes: number;
}

/** One model's logits ŷ_k where they are stored, [M, C]: in memory, or in an open file that stage 1 reads from. */
export interface StoredLogits {
  readonly dtype: FloatDtype;
  readonly source: Source;
  /** M. */
  readonly samples: number;
  /** C. */
  readonly classes: number;
  /** The file, where there is one. */
  readonly path?: string;
  /** SHA-256 of the bytes, where it is known. */
  readonly digest?: string;
}

/** Logits in memory as stage 1 takes them. No copy. */
export function storedInMemory({ values, samples, classes }: Logits): StoredLogits {
  const source = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { dtype: 'F32', source, samples, classes };
}

/** Logits of these samples from little-endian float32 numbers; undefined where they are none, or not all finite. No copy. */
export function logitsFromBytes(bytes: Uint8Array, samples: number): Logits | undefined {
  const classes = bytes.byteLength / (samples * Float32Array.BYTES_PER_ELEMENT);
  if (!Number.isInteger(classes) || classes < 1) return undefined;
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, samples * classes);
  // By index: 50 million numbers take 0.07 s so, 0.6 s by an iterator.
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number;
    if (value - value !== 0) return undefined;
  }
  return { values, samples, classes };
}

/** The logits of these samples, in their order. */
export function logitsOf({ values, classes }: Logits, samples: Uint32Array): Logits {
  const chosen = new Float32Array(samples.length * classes);
  for (const [row, sample] of samples.entries()) {
    chosen.set(values.subarray(sample * classes, (sample + 1) * classes), row * classes);
  }
  return { values: chosen, samples: samples.length, classes };
}
