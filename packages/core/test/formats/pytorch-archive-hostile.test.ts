import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { openPyTorch } from '../../src/formats/pytorch-reader.js';
import { dictPickle, tensorPickle, writeBytes, writePyTorch } from './pytorch-files.js';
import { LONGEST_MS, millisecondsSince, refuses } from './pytorch-refusals.js';
import type { ZipEndSpec, ZipEntrySpec } from './zip-files.js';

describe('an archive is refused', () => {
  const WEIGHTS = dictPickle({ w: tensorPickle() });
  const storage = (changes: Partial<ZipEntrySpec>) => () => writePyTorch(WEIGHTS, [], { storage: changes });
  const more =
    (...entries: ZipEntrySpec[]) =>
    () =>
      writePyTorch(WEIGHTS, entries);
  const end = (changes: ZipEndSpec) => () => writePyTorch(WEIGHTS, [], { end: changes });
  const data = new Uint8Array(24);

  test.each<[string, () => string, RegExp]>([
    ['whose tensors are compressed', storage({ method: 8 }), /without compression.*method 8/],
    ['whose pickle is compressed', () => writePyTorch(WEIGHTS, [], { pickle: { method: 8 } }), /without compression/],
    ['whose tensors are encrypted', storage({ flags: 0x801 }), /mismatch|in plain/],
    [
      'that is damaged in its pickle',
      () => writePyTorch(WEIGHTS, [], { pickle: { crc: 7 } }),
      /checksum .*damaged.*m\/data\.pkl/,
    ],
    ['with an entry larger than the file', storage({ size: 2 ** 31 }), /overflows|whole zip/],
    ['with an entry that is a link', storage({ madeBy: 0x0300, attributes: 0xa1ff0000 }), /a link, folder or device/],
    ['with an entry that is a device', storage({ madeBy: 0x0300, attributes: 0x21ff0000 }), /a link, folder or device/],
    [
      'with an entry that is a folder, which torch reads as zeros',
      storage({ attributes: 0x10 }),
      /a link, folder or device/,
    ],
    ['with a patch in place of an entry', storage({ flags: 0x820 }), /entry in plain/],
    ['whose directory is encrypted', storage({ flags: 0x2800 }), /entry in plain/],
    ['whose entry has another checksum in its own header', storage({ localCrc: 7 }), /sizes and the checksum/],
    ['whose entry has another size in its own header', storage({ localSize: 20 }), /sizes and the checksum/],
    ['whose entry has another name in its own header', storage({ localName: 'm/data/1' }), /name and the method/],
    ['with two entries of one name', more({ name: 'm/data/0', data }), /two of "m\/data\/0"/],
    ['with an absolute name', more({ name: '/etc/passwd', data }), /absolute path/],
    ['with a name that leaves it', more({ name: 'm/../../x', data }), /invalid relative path/],
    ['with a name with backslashes', more({ name: 'm\\x', data }), /invalid characters/],
    ['with two pickles', more({ name: 'n/data.pkl', data }), /found 2 of them/],
    [
      'with numbers of the other byte order',
      more({ name: 'm/byteorder', data: Buffer.from('big') }),
      /byte order "big"/,
    ],
    [
      'whose version is damaged',
      more({ name: 'm/version', data: Buffer.from('3\n'), crc: 7 }),
      /the checksum of.*"m\/version"/,
    ],
    ['in several parts', end({ disk: 1 }), /multi-disk/],
    [
      'whose directory is in another part',
      end({ directoryDisk: 1 }),
      /all 2 entries in one part but found 2 of 2 in part 1/,
    ],
    ['whose directory is cut off', end({ entries: 3 }), /headers within the file|zip archive/],
    ['whose directory is elsewhere', end({ directoryAt: 2 ** 31 }), /headers within the file/],
    ['that holds code', more({ name: 'm/code/x.py', data }), /TorchScript/],
    ['that holds constants', more({ name: 'm/constants.pkl', data }), /TorchScript/],
    ['that is none', () => writeBytes(Buffer.from('PK\x03\x04 and nothing else')), /zip archive/],
    ['that is empty', () => writeBytes(new Uint8Array()), /which is a zip archive/],
  ])('%s', async (_, write, message) => {
    await refuses(write(), message);
  });

  test.each<[string, number, RegExp]>([
    ['length', 4, /its length .* to be 44/],
    ['part', 16, /multi-disk/],
    ['part of the directory', 20, /part of the directory/],
    ['number of entries in this part', 24, /entries in this part/],
    ['number of entries', 32, /the end of the archive behind/],
    ['length of the directory', 40, /length of the directory/],
    ['place of the directory', 48, /central directory/],
    ['record of its place', 56, /the place of the 64-bit end/],
    ['part in that', 60, /the part it is in/],
    ['number of parts', 72, /parts in the/],
    ['place in that', 64, /end of central directory record/],
  ])('whose 64-bit end has another %s', async (_, at, message) => {
    const bytes = readFileSync(new URL('./fixtures/pytorch/module.pt', import.meta.url));
    const end = bytes.lastIndexOf('PK\x06\x06', undefined, 'latin1');
    bytes[end + at] = (bytes[end + at] as number) ^ 1;
    await refuses(writeBytes(bytes), message);
  });

  test('that has another end in its comment', async () => {
    const bytes = readFileSync(writePyTorch(WEIGHTS, [], { end: { comment: 'x'.repeat(22) } }));
    const end = bytes.lastIndexOf('PK\x05\x06', undefined, 'latin1');
    bytes.copy(bytes, end + 22, end, end + 20);
    bytes.writeUInt16LE(0, bytes.length - 2);
    await refuses(writeBytes(bytes), /one end of the archive but found two/);
  });

  test('whose tensors lie in the same bytes', async () => {
    const two = dictPickle({ a: tensorPickle(), b: tensorPickle({ key: '1' }) });
    const inner = Buffer.alloc(54);
    inner.writeUInt32LE(0x04034b50);
    inner.writeUInt16LE('m/data/1'.length, 26);
    inner.writeUInt16LE(0x800, 6);
    inner.writeUInt32LE(crc32(data), 14);
    inner.writeUInt32LE(data.byteLength, 18);
    inner.writeUInt32LE(data.byteLength, 22);
    inner.write('m/data/1', 30);
    const whole = writePyTorch(two, [], { storage: { data: Buffer.concat([Buffer.alloc(0), inner]) } });
    const at = readFileSync(whole).indexOf(inner);
    const outer = dictPickle({
      a: tensorPickle({ type: 'ByteStorage', count: 92, shape: [92], strides: [1] }),
      b: tensorPickle({ key: '1' }),
    });
    const nested = Buffer.concat([inner, Buffer.alloc(38)]);
    const shift = outer.byteLength - two.byteLength;
    const path = writePyTorch(outer, [{ name: 'm/data/1', data, at: at + shift }], { storage: { data: nested } });
    await refuses(path, /"m\/data\/0" and "m\/data\/1" in the same bytes/);
  });

  test('with more entries than any model has', async () => {
    const many = Array.from({ length: 65_530 }, (_, at) => ({ name: `m/${at}`, data: new Uint8Array() }));
    const start = process.cpuUsage();
    const file = await openPyTorch(writePyTorch(WEIGHTS, many));
    await file.close();
    expect(millisecondsSince(start)).toBeLessThan(2 * LONGEST_MS);
  });
});
