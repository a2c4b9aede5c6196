import { writeFileSync } from 'node:fs';
import { scratch } from './scratch.js';
import { type ZipEndSpec, type ZipEntrySpec, zipOf } from './zip-files.js';

/** Bytes of a pickle: texts are ASCII or Latin-1, numbers are bytes. */
export type PicklePart = string | number | Uint8Array;

export function pickle(...parts: readonly PicklePart[]): Buffer {
  return Buffer.concat(
    parts.map((part) =>
      typeof part === 'number'
        ? Buffer.of(part)
        : typeof part === 'string'
          ? Buffer.from(part, 'latin1')
          : Buffer.from(part),
    ),
  );
}

/** BINUNICODE. */
export function text(value: string): Buffer {
  const encoded = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(encoded.byteLength);
  return Buffer.concat([Buffer.from('X'), length, encoded]);
}

/** LONG1 of eight bytes: any size, negative ones too. */
export function long(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(10);
  bytes[0] = 0x8a;
  bytes[1] = 8;
  bytes.writeBigInt64LE(BigInt(value), 2);
  return bytes;
}

const tuple = (values: readonly (number | bigint)[]) => pickle('(', ...values.map(long), 't');

export interface TensorSpec {
  readonly type?: string;
  readonly key?: string;
  readonly count?: number | bigint;
  readonly offset?: number | bigint;
  readonly shape?: readonly (number | bigint)[];
  readonly strides?: readonly (number | bigint)[];
}

/** The pickle of one tensor; by default the float32 [2, 3] that fills storage 0. */
export function tensorPickle(spec: TensorSpec = {}): Buffer {
  const { type = 'FloatStorage', key = '0', count = 6, offset = 0, shape = [2, 3], strides = [3, 1] } = spec;
  const id = ['(', text('storage'), `ctorch\n${type}\n`, text(key), text('cpu'), long(count), 'tQ'];
  const view = [long(offset), tuple(shape), tuple(strides), '\x89', 'ccollections\nOrderedDict\n)R'];
  return pickle('ctorch._utils\n_rebuild_tensor_v2\n(', ...id, ...view, 'tR');
}

/** The pickle of a dict. */
export function dictPickle(values: Readonly<Record<string, Uint8Array>>): Buffer {
  return pickle('}(', ...Object.entries(values).flatMap(([name, value]) => [text(name), value]), 'u');
}

const STORAGE = Buffer.from(Float32Array.of(0, 1, 2, 3, 4, 5).buffer);

/** Writes an archive as torch.save does. @param body the pickle without protocol and end; @param more entries besides pickle and storage 0 */
export function writePyTorch(
  body: Uint8Array,
  more: readonly ZipEntrySpec[] = [],
  changes: {
    readonly storage?: Partial<ZipEntrySpec>;
    readonly pickle?: Partial<ZipEntrySpec>;
    readonly end?: ZipEndSpec;
  } = {},
): string {
  const entries: ZipEntrySpec[] = [
    { name: 'm/data.pkl', data: pickle('\x80\x02', body, '.'), ...changes.pickle },
    { name: 'm/data/0', data: STORAGE, ...changes.storage },
    ...more,
  ];
  return writeBytes(zipOf(entries, changes.end));
}

export function writeBytes(bytes: Uint8Array): string {
  const path = scratch('m.pt');
  writeFileSync(path, bytes);
  return path;
}

/** A tensor of a checkpoint, with the bytes of its storage. */
export interface StoredTensor {
  readonly type: 'FloatStorage' | 'LongStorage';
  readonly shape: readonly number[];
  /** Default: contiguous. */
  readonly strides?: readonly number[];
  readonly storage: Uint8Array;
}

/** The bytes of a checkpoint. @param wrap makes what is saved of the pickle of the state dict; default: that alone */
export function checkpointBytes(
  tensors: Readonly<Record<string, StoredTensor>>,
  wrap: (stateDict: Uint8Array) => Uint8Array = (stateDict) => stateDict,
): Buffer {
  const named = Object.entries(tensors);
  const pickles = named.map(([name, { type, shape, strides, storage }], at) => {
    const contiguous = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
    const count = storage.byteLength / (type === 'LongStorage' ? 8 : 4);
    return [name, tensorPickle({ type, key: String(at), count, shape, strides: strides ?? contiguous })] as const;
  });
  return zipOf([
    { name: 'm/data.pkl', data: pickle('\x80\x02', wrap(dictPickle(Object.fromEntries(pickles))), '.') },
    ...named.map(([, { storage }], at) => ({ name: `m/data/${at}`, data: storage })),
  ]);
}
