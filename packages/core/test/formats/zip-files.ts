import { crc32 } from 'node:zlib';

/** An entry of a zip archive, and what its headers say that is not so. */
export interface ZipEntrySpec {
  readonly name: string;
  readonly data: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  readonly crc?: number;
  /** Both sizes in both headers. */
  readonly size?: number;
  /** In the entry's own header. */
  readonly localCrc?: number;
  readonly localSize?: number;
  readonly madeBy?: number;
  readonly attributes?: number;
  readonly localName?: string;
  /** Position of the header, where another entry's is named. */
  readonly at?: number;
}

export interface ZipEndSpec {
  readonly disk?: number;
  readonly directoryDisk?: number;
  readonly entries?: number;
  readonly directoryAt?: number;
  readonly comment?: string;
}

const bytes = (size: number, ...fields: readonly (readonly [at: number, width: 2 | 4, value: number])[]): Buffer => {
  const made = Buffer.alloc(size);
  for (const [at, width, value] of fields) made.writeUIntLE(value, at, width);
  return made;
};

/** A zip archive of stored entries, written by the format's description (APPNOTE.TXT 4.3), lies included. */
export function zipOf(entries: readonly ZipEntrySpec[], end: ZipEndSpec = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let position = 0;
  for (const {
    name,
    data,
    method = 0,
    flags = 0x800,
    madeBy = 0,
    attributes = 0,
    localName = name,
    ...lies
  } of entries) {
    const { crc = crc32(data), size = data.byteLength, at = position } = lies;
    const { localCrc = crc, localSize = size } = lies;
    const shared = [flags, method] as const;
    const local = bytes(
      30,
      [0, 4, 0x04034b50],
      [6, 2, shared[0]],
      [8, 2, shared[1]],
      [14, 4, localCrc],
      [18, 4, localSize],
      [22, 4, localSize],
      [26, 2, Buffer.byteLength(localName)],
    );
    const entry = bytes(
      46,
      [0, 4, 0x02014b50],
      [4, 2, madeBy],
      [8, 2, flags],
      [10, 2, method],
      [16, 4, crc],
      [20, 4, size],
      [24, 4, size],
    );
    entry.writeUInt16LE(Buffer.byteLength(name), 28);
    entry.writeUInt32LE(attributes, 38);
    entry.writeUInt32LE(at, 42);
    directory.push(entry, Buffer.from(name));
    parts.push(local, Buffer.from(localName), Buffer.from(data));
    position += 30 + Buffer.byteLength(localName) + data.byteLength;
  }
  const { disk = 0, directoryDisk = 0, entries: count = entries.length, directoryAt = position, comment = '' } = end;
  const directorySize = directory.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const last = bytes(
    22,
    [0, 4, 0x06054b50],
    [4, 2, disk],
    [6, 2, directoryDisk],
    [8, 2, count],
    [10, 2, count],
    [12, 4, directorySize],
    [16, 4, directoryAt],
  );
  last.writeUInt16LE(Buffer.byteLength(comment), 20);
  return Buffer.concat([...parts, ...directory, last, Buffer.from(comment)]);
}
