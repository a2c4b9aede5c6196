import { readSync } from 'node:fs';
import { SourceError } from '@radin/native';
import { dtypeBytes } from '../formats/index.js';
import { type PoolLogits, type StoredLogits, toFloat32 } from '../logits/index.js';

/**
 * The logits of one model for `count` samples from `first` on, float32 [count, C].
 * @throws SourceError where a file ends early or cannot be read; its source is the model
 */
export function readSamples({ logits, models }: PoolLogits, model: number, first: number, count: number): Float32Array {
  const { dtype, source, classes } = logits[model] as StoredLogits;
  const sampleBytes = classes * dtypeBytes(dtype);
  const [begin, length] = [first * sampleBytes, count * sampleBytes];
  if (source instanceof Uint8Array) {
    return toFloat32(source.subarray(begin, begin + length), dtype, `model ${models[model]}`);
  }
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const position = source.offset + begin + done;
    const read = readOrThrow(source.fd, bytes, done, position, model);
    if (read === 0) throw new SourceError(model, position, 'ended');
    done += read;
  }
  return toFloat32(bytes, dtype, `model ${models[model]}`);
}

function readOrThrow(fd: number, bytes: Uint8Array, done: number, position: number, model: number): number {
  try {
    return readSync(fd, bytes, done, bytes.length - done, position);
  } catch (error) {
    throw new SourceError(model, position, 'unreadable', (error as NodeJS.ErrnoException).code);
  }
}
