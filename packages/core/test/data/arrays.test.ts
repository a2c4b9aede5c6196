import { copyFileSync, renameSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkLabels, RowReader, readLabels, readSplit } from '../../src/data/index.js';
import type { Dtype } from '../../src/formats/index.js';
import { bytesOf } from '../evaluator/opened.js';
import { f32, refused, type TensorData, temporaryFolder, tensor, writeArray, writeModel } from '../files.js';
import { npy, zip } from '../zip.js';

const folder = temporaryFolder();
let files = 0;
const write = (data: TensorData) => writeArray(join(folder, `${files++}.npy`), data);

describe('one-hot labels', () => {
  const ROWS = [0, 0, 1, 1, 0, 0, 0, 1, 0];
  test.each<[Dtype, ArrayBufferView]>([
    ['BOOL', Uint8Array.from(ROWS)],
    ['U8', Uint8Array.from(ROWS)],
    ['I64', BigInt64Array.from(ROWS, BigInt)],
    ['F16', Uint16Array.from(ROWS, (value) => value * 0x3c00)],
    ['F32', Float32Array.from(ROWS)],
    ['F64', Float64Array.from(ROWS)],
  ])('of dtype %s are the classes of their ones', async (dtype, values) => {
    const path = await write(tensor(dtype, [3, 3], values));
    expect(await readLabels(path)).toEqual({ path, values: Int32Array.of(2, 0, 1), classes: 3 });
  });

  test.each<[string, readonly number[], RegExp]>([
    ['two ones', [0, 1, 0, 1, 1, 0], /found another value in .*, row 1$/],
    ['no one', [0, 1, 0, 0, 0, 0], /found zeros only in .*, row 1$/],
    ['probabilities', [0, 0.5, 0.5, 0, 1, 0], /found another value in .*, row 0$/],
    ['a NaN', [0, 1, 0, Number.NaN, 1, 0], /found another value in .*, row 1$/],
    ['a minus one', [0, 1, 0, -1, 1, 0], /found another value in .*, row 1$/],
  ])('with %s are refused, naming the row', async (_, values, message) => {
    await expect(readLabels(await write(f32([2, 3], values)))).rejects.toEqual(refused('DATA', message));
  });

  test('must have as many columns as there are classes', async () => {
    const labels = await readLabels(await write(f32([1, 3], [1, 0, 0])));
    checkLabels(labels, 3);
    expect(() => checkLabels(labels, 4)).toThrow(refused('DATA', /one-hot labels of 4 classes but found 3/));
  });
});

describe('data in parts', () => {
  const labels = () => write(tensor('U8', [3], Uint8Array.of(0, 1, 2)));

  test('are joined along the first axis, from files and archives', async () => {
    const archive = join(folder, 'parts.npz');
    writeFileSync(archive, zip([{ name: 'x.npy', bytes: npy('<f4', [1, 2], Float32Array.of(5, 6)), deflated: true }]));
    const inputs = [await write(f32([2, 2], [1, 2, 3, 4])), `${archive}:x`];
    const split = await readSplit('validation', { inputs, labels: await labels() });
    expect(split.inputs.shape).toEqual([3, 2]);
    expect(await bytesOf(split.inputs)).toEqual(f32([6], [1, 2, 3, 4, 5, 6]).bytes);
    expect(split.inputs.path).toBe(`${inputs[0]} and 1 more`);
    const parts = [
      await write(tensor('U8', [2], Uint8Array.of(0, 1))),
      await write(tensor('U8', [1], Uint8Array.of(2))),
    ];
    expect((await readLabels(parts)).values).toEqual(Int32Array.of(0, 1, 2));
  });

  test('may be tensors of safetensors files, by name or where there is only one', async () => {
    const several = await writeModel(join(folder, 'data.safetensors'), {
      images: f32([2, 2], [1, 2, 3, 4]),
      labels: tensor('I64', [3], BigInt64Array.of(2n, 0n, 1n)),
    });
    const one = await writeModel(join(folder, 'more.safetensors'), { images: f32([1, 2], [5, 6]) });
    const split = await readSplit('validation', { inputs: [`${several}:images`, one], labels: `${several}:labels` });
    expect(await bytesOf(split.inputs)).toEqual(f32([6], [1, 2, 3, 4, 5, 6]).bytes);
    expect(split.labels.values).toEqual(Int32Array.of(2, 0, 1));
    await expect(readLabels(several)).rejects.toEqual(
      refused('FORMAT', /data\.safetensors:NAME, but found .*"images"/),
    );
    await expect(readLabels(`${several}:x`)).rejects.toEqual(refused('FORMAT', /an array "x" but found .*"labels"/));
  });

  test.each<[string, TensorData]>([
    ['F32 [1, 3]', f32([1, 3], [1, 2, 3])],
    ['F64 [1, 2]', tensor('F64', [1, 2], Float64Array.of(1, 2))],
    ['F32 [2]', f32([2], [1, 2])],
    ['F32 []', f32([], [1])],
  ])('of which one is %s are refused', async (shown, part) => {
    const inputs = [await write(f32([2, 2], [1, 2, 3, 4])), await write(part)];
    const message = `F32 [*, 2] as in ${inputs[0]}, but found ${shown} in ${inputs[1]}`;
    await expect(readSplit('validation', { inputs, labels: await labels() })).rejects.toMatchObject({
      code: 'DATA',
      message: expect.stringContaining(message),
    });
  });

  test('with too few samples together are refused', async () => {
    const part = await write(f32([1, 2], [1, 2]));
    await expect(readSplit('validation', { inputs: [part, part], labels: await labels() })).rejects.toEqual(
      refused('DATA', /found 3 labels in .* for 2 samples in .* and 1 more/),
    );
  });
});

describe('inputs stay in their files', () => {
  const SAMPLES = 3 * 2 ** 14;
  const labels = () => write(tensor('U8', [SAMPLES], new Uint8Array(SAMPLES)));

  /** An array of 3 GiB, most of them a hole: the last two samples begin with 7 and 8. */
  async function sparse(): Promise<string> {
    const path = join(folder, `${files++}.npy`);
    const head = npy('|u1', [SAMPLES, 2 ** 16], new Uint8Array());
    const file = await open(path, 'w');
    await file.write(head);
    await file.truncate(head.byteLength + SAMPLES * 2 ** 16);
    for (const back of [1, 2])
      await file.write(Uint8Array.of(9 - back), 0, 1, head.byteLength + (SAMPLES - back) * 2 ** 16);
    await file.close();
    return path;
  }

  test('whatever their size, and samples are read in any order', async () => {
    const before = process.resourceUsage().maxRSS;
    const { inputs } = await readSplit('validation', { inputs: await sparse(), labels: await labels() });
    const rows = new Uint8Array(3 * 2 ** 16);
    new RowReader(inputs.places).read([SAMPLES - 1, 0, SAMPLES - 2], rows);
    expect([0, 1, 2].map((row) => rows[row * 2 ** 16])).toEqual([8, 0, 7]);
    // KiB.
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(64 * 1024);
  });

  test.each<[string, (path: string) => void]>([
    ['written to', (path) => writeFileSync(path, 'x', { flag: 'a' })],
    ['cut', (path) => truncateSync(path, 100)],
    [
      'replaced by its like',
      (path) => {
        copyFileSync(path, `${path}.new`);
        renameSync(`${path}.new`, path);
      },
    ],
    ['removed', (path) => unlinkSync(path)],
  ])('and one that is %s meanwhile is an error that names it', async (_, change) => {
    const path = await write(f32([2, 64], Array(128).fill(1)));
    const split = await readSplit('validation', {
      inputs: path,
      labels: await write(tensor('U8', [2], new Uint8Array(2))),
    });
    const reader = new RowReader(split.inputs.places);
    reader.read([0], new Uint8Array(256));
    change(path);
    const again = new RowReader(split.inputs.places);
    expect(() => again.read([1], new Uint8Array(256))).toThrow(refused('FILE', new RegExp(`${path}`)) as Error);
  });

  test('of an archive are compared with its checksum when they are opened, compressed or not', async () => {
    for (const deflated of [true, false]) {
      const path = join(folder, `${files++}.npz`);
      const entry = { name: 'x.npy', bytes: npy('<f4', [2, 2], Float32Array.of(1, 2, 3, 4)), deflated };
      const label = await write(tensor('U8', [2], new Uint8Array(2)));
      writeFileSync(path, zip([entry]));
      const split = await readSplit('validation', { inputs: path, labels: label });
      const row = new Float32Array(2);
      new RowReader(split.inputs.places).read([1], new Uint8Array(row.buffer));
      expect([...row]).toEqual([3, 4]);
      split.inputs.close();
      writeFileSync(path, zip([{ ...entry, lies: { crc32: 1 } }]));
      await expect(readSplit('validation', { inputs: path, labels: label })).rejects.toEqual(
        refused('FORMAT', /checksum/),
      );
    }
  });

  test('in big-endian order are read as the others', async () => {
    const path = join(folder, `${files++}.npy`);
    const bytes = Buffer.alloc(8);
    bytes.writeFloatBE(1.5, 0);
    bytes.writeFloatBE(-2, 4);
    writeFileSync(path, npy('>f4', [2, 1], bytes));
    const { inputs } = await readSplit('validation', {
      inputs: path,
      labels: await write(tensor('U8', [2], new Uint8Array(2))),
    });
    expect(await bytesOf(inputs)).toEqual(f32([2], [1.5, -2]).bytes);
    inputs.close();
  });
});
