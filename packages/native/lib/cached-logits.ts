/** Cached logits element by element, for the reference and for error messages; the addon has a reader of its own. */

import { fstatSync, readSync } from 'node:fs';
import { type FileRange, FLOAT_BYTES, type LogitsRequest } from './backend.js';
import { FLOAT_FORMATS } from './float-formats.js';
import { SourceError } from './source-error.js';

/** A `count` of logits of one model from an element on, as float32. @throws SourceError where the file ends early. */
export function readLogits({ logits }: LogitsRequest, model: number, first: number, count: number): Float32Array {
  const array = logits[model];
  if (array === undefined) return new Float32Array(0);
  const size = FLOAT_BYTES[array.dtype];
  const bytes =
    array.source instanceof Uint8Array
      ? array.source.subarray(first * size, (first + count) * size)
      : readRange(array.source, model, first * size, count * size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: count }, (_, i) => FLOAT_FORMATS[array.dtype].read(view, i * size));
}

function readRange({ fd, offset }: FileRange, source: number, begin: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const position = offset + begin + done;
    const count = attempt(source, position, () => readSync(fd, bytes, done, length - done, position));
    if (count === 0) throw new SourceError(source, position, 'ended');
    done += count;
  }
  return bytes;
}

/** Notes each file's size and time of change. The function that it returns throws a SourceError if one is different. */
export function watchSources({ logits }: LogitsRequest): () => void {
  const stamp = () =>
    logits.map(({ source }, model) => {
      if (source instanceof Uint8Array) return '';
      const { size, mtimeNs } = attempt(model, source.offset, () => fstatSync(source.fd, { bigint: true }));
      return `${size} ${mtimeNs}`;
    });
  const before = stamp();
  return () => {
    for (const [model, now] of stamp().entries()) {
      const { source } = logits[model] as LogitsRequest['logits'][number];
      if (now !== before[model]) throw new SourceError(model, (source as FileRange).offset, 'changed');
    }
  };
}

function attempt<T>(source: number, position: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new SourceError(source, position, 'unreadable', (error as NodeJS.ErrnoException).code);
  }
}
