import { types } from 'node:util';
import type { Source } from './backend.js';
import { requireFixedArray, requireInteger, requireObject, wrongValue } from './validate.js';

/** Largest descriptor: a C int. */
const LARGEST_DESCRIPTOR = 2 ** 31 - 1;

/** A snapshot of a source. @throws TypeError or RangeError unless it is bytes or a range of a file, of `bytes` where that is given */
export function checkSource(source: Source, name: string, bytes?: number): Source {
  const checked = checkKind(source, name);
  if (bytes !== undefined && checked.byteLength !== bytes) throw wrongValue(`${bytes} bytes`, name, checked.byteLength);
  return checked;
}

function checkKind(source: Source, name: string): Source {
  if (ArrayBuffer.isView(source)) {
    requireFixedArray(source, types.isUint8Array, 'a Uint8Array or a range of a file', name);
    return source;
  }
  requireObject(source, name);
  const { fd, offset, byteLength } = source;
  requireInteger(fd, 0, LARGEST_DESCRIPTOR, `${name}.fd`);
  requireInteger(offset, 0, Number.MAX_SAFE_INTEGER, `${name}.offset`);
  requireInteger(byteLength, 0, Number.MAX_SAFE_INTEGER - offset, `${name}.byteLength`);
  return { fd, offset, byteLength };
}
