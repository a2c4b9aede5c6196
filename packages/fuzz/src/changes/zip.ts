import { crc32, deflateRawSync } from 'node:zlib';
import type { Random } from '@radin/core';
import { TEXTS } from './bytes.js';
import { below, lie, of, once, unsigned } from './choice.js';

/** Fields of a header by name: their width in bytes and value. */
type Fields = Record<string, [width: number, value: bigint]>;

interface Part {
  readonly local: Fields;
  readonly central: Fields;
  names: [local: Buffer, central: Buffer];
  packed: Buffer;
  /** Extra field, of the entry's own header and of the directory. */
  extra: [local: Buffer, central: Buffer];
}

export interface ZipFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly deflated?: boolean;
}

const ZIP64 = 0xffffffffn;

function part({ name, bytes, deflated = false }: ZipFile): Part {
  const packed = deflated ? deflateRawSync(bytes) : Buffer.from(bytes);
  const shared = (): Fields => ({
    version: [2, 20n],
    flags: [2, 0x800n],
    method: [2, deflated ? 8n : 0n],
    time: [4, 0n],
    crc: [4, BigInt(crc32(bytes))],
    packed: [4, BigInt(packed.length)],
    size: [4, BigInt(bytes.length)],
    nameLength: [2, BigInt(Buffer.byteLength(name))],
    extraLength: [2, 0n],
  });
  return {
    local: { magic: [4, 0x04034b50n], ...shared() },
    central: {
      magic: [4, 0x02014b50n],
      madeBy: [2, 20n],
      ...shared(),
      commentLength: [2, 0n],
      disk: [2, 0n],
      internal: [2, 0n],
      external: [4, 0n],
      offset: [4, 0n],
    },
    names: [Buffer.from(name), Buffer.from(name)],
    packed,
    extra: [Buffer.alloc(0), Buffer.alloc(0)],
  };
}

const bytesOf = (fields: Fields) =>
  Buffer.concat(Object.values(fields).map(([width, value]) => unsigned(value, width)));

function wrong(random: Random, fields: Fields): void {
  const field = fields[of(random, Object.keys(fields))] as [number, bigint];
  field[1] = lie(random, field[1]);
}

/** One thing that is not as it should be, in one entry, or between two. */
const LIES: readonly ((random: Random, parts: Part[]) => void)[] = [
  (random, parts) => wrong(random, of(random, parts).local),
  (random, parts) => wrong(random, of(random, parts).central),
  (random, parts) => {
    const { local, central } = of(random, parts);
    const key = of(random, ['flags', 'method', 'crc', 'packed', 'size']);
    const value = lie(random, (local[key] as [number, bigint])[1]);
    for (const fields of [local, central]) (fields[key] as [number, bigint])[1] = value;
  },
  (random, parts) => {
    const found = of(random, parts);
    const name = Buffer.from(of(random, [...TEXTS.slice(0, 18), ...parts.map(({ names }) => names[1].toString())]));
    found.names = [once(random, 3) ? found.names[0] : name, name];
    for (const [at, fields] of [found.local, found.central].entries()) {
      fields.nameLength = [2, BigInt((found.names[at] as Buffer).length)];
    }
  },
  (random, parts) => parts.push(structuredCloned(of(random, parts))),
  (random, parts) => parts.splice(below(random, parts.length), 1),
  // Where the sizes say so they are in the extra field, 8 bytes each.
  (random, parts) => {
    const { local, central, extra } = of(random, parts);
    const values = [central.size, central.packed, central.offset].map((field) => (field as [number, bigint])[1]);
    const value = Buffer.concat(values.map((size) => unsigned(once(random, 3) ? lie(random, size) : size, 8)));
    extra[1] = Buffer.concat([
      unsigned(1n, 2),
      unsigned(BigInt(value.length), 2),
      value.subarray(0, once(random, 3) ? 8 : 24),
    ]);
    for (const key of ['size', 'packed']) central[key] = [4, ZIP64];
    central.extraLength = [2, BigInt(extra[1].length)];
    if (once(random, 2)) local.extraLength = [2, BigInt(extra[0].length)];
  },
  // A link, a folder, an encrypted entry.
  (random, parts) => {
    const { local, central } = of(random, parts);
    const kind = below(random, 3);
    if (kind === 0) central.madeBy = [2, 0x314n];
    if (kind < 2) central.external = [4, of(random, [0xa1ff0000n, 0x10n])];
    else for (const fields of [local, central]) fields.flags = [2, 0x801n];
  },
];

function structuredCloned(one: Part): Part {
  return {
    ...one,
    local: structuredClone(one.local),
    central: structuredClone(one.central),
    names: [...one.names],
    extra: [...one.extra],
  };
}

/** An archive of these files whose headers may lie: sizes, checksums, names, places that overlap, entries twice, parts and comments. */
export function zipMutant(random: Random, files: readonly ZipFile[], lies = below(random, 3)): Buffer {
  const parts = files.map(part);
  for (let left = lies; left > 0 && parts.length > 0; left--) of(random, LIES)(random, parts);
  const written: Buffer[] = [];
  let position = 0;
  for (const { local, central, names, packed, extra } of parts) {
    if (central.offset?.[1] === 0n)
      central.offset[1] = BigInt(lies > 0 && once(random, 20) ? below(random, position + 1) : position);
    const bytes = Buffer.concat([bytesOf(local), names[0], extra[0], packed]);
    written.push(bytes);
    position += bytes.length;
  }
  const directory = Buffer.concat(
    parts.map(({ central, names, extra }) => Buffer.concat([bytesOf(central), names[1], extra[1]])),
  );
  const whole = [...written, directory, ...endOf(random, parts.length, directory.length, position, lies > 0)];
  if (lies > 0 && once(random, 12))
    whole.splice(below(random, whole.length + 1), 0, Buffer.alloc(1 + below(random, 40), 0x50));
  return Buffer.concat(whole);
}

/** What stands behind a directory: its end, often in 64 bits too, with a comment now and then. */
function endOf(random: Random, entries: number, length: number, position: number, lies: boolean): Buffer[] {
  const [count, size, offset] = [entries, length, position].map(BigInt) as [bigint, bigint, bigint];
  const zip64: Fields = {
    magic: [4, 0x06064b50n],
    length: [8, 44n],
    madeBy: [2, 45n],
    version: [2, 45n],
    disk: [4, 0n],
    directoryDisk: [4, 0n],
    here: [8, count],
    all: [8, count],
    size: [8, size],
    offset: [8, offset],
  };
  const locator: Fields = { magic: [4, 0x07064b50n], disk: [4, 0n], place: [8, offset + size], disks: [4, 1n] };
  const in64 = once(random, 3);
  const elsewhere = in64 && once(random, 2);
  const end: Fields = {
    magic: [4, 0x06054b50n],
    disk: [2, 0n],
    directoryDisk: [2, 0n],
    here: [2, elsewhere ? 0xffffn : count],
    all: [2, elsewhere ? 0xffffn : count],
    size: [4, elsewhere ? ZIP64 : size],
    offset: [4, elsewhere ? ZIP64 : offset],
    commentLength: [2, 0n],
  };
  if (lies && once(random, 5)) wrong(random, of(random, in64 ? [end, zip64, locator] : [end]));
  const records = [...(in64 ? [bytesOf(zip64), bytesOf(locator)] : []), bytesOf(end)];
  if (!once(random, 12)) return records;
  const comment = once(random, 2) ? Buffer.from('a comment') : bytesOf(end);
  end.commentLength = [2, BigInt(comment.length)];
  return [...records.slice(0, -1), bytesOf(end), comment];
}
