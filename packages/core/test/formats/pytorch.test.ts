import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { openTensorFile } from '../../src/formats/open-tensors.js';
import { openPyTorch } from '../../src/formats/pytorch-reader.js';
import type { TensorFile } from '../../src/formats/tensor-file.js';
import { dictPickle, long, pickle, tensorPickle, text, writeBytes, writePyTorch } from './pytorch-files.js';
import { refusal, scratch } from './scratch.js';

const FIXTURES = new URL('./fixtures/pytorch/', import.meta.url).pathname;
const WRITER = new URL('./fixtures/write_pytorch.py', import.meta.url).pathname;

/** A Python with PyTorch, if this machine has one. */
const torch = ['python3', '/usr/bin/python3'].find(
  (command) =>
    spawnSync(command, ['-c', 'import importlib.util, sys; sys.exit(not importlib.util.find_spec("torch"))']).status ===
    0,
);

type Expected = Readonly<Record<string, Readonly<Record<string, { dtype: string; shape: number[]; sha256: string }>>>>;

const opened: TensorFile[] = [];
afterEach(async () => {
  for (const file of opened.splice(0)) await file.close();
});

async function open(path: string, stateDict?: string): Promise<TensorFile> {
  const file = await openPyTorch(path, { stateDict });
  opened.push(file);
  return file;
}

async function valuesOf(file: TensorFile, name: string): Promise<Uint8Array> {
  const tensor = file.tensors.find((one) => one.name === name);
  const bytes = new Uint8Array(tensor?.byteLength ?? -1);
  await file.check?.(name);
  await file.read(name, bytes);
  return bytes;
}

async function contentsOf(path: string, stateDict?: string): Promise<Expected[string]> {
  const file = await open(path, stateDict);
  const contents: Record<string, { dtype: string; shape: number[]; sha256: string }> = {};
  for (const { name, dtype, shape } of file.tensors) {
    const sha256 = createHash('sha256')
      .update(await valuesOf(file, name))
      .digest('hex');
    contents[name] = { dtype, shape: [...shape], sha256 };
  }
  return contents;
}

async function expectContents(folder: string): Promise<void> {
  const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Expected;
  expect(Object.keys(expected).length).toBeGreaterThan(7);
  for (const [name, tensors] of Object.entries(expected)) {
    expect(await contentsOf(join(folder, `${name}.pt`)), name).toEqual(tensors);
  }
}

describe('reads what PyTorch has written', () => {
  test('names, types, shapes and values, whatever the strides, offsets and shared storages', () =>
    expectContents(FIXTURES));

  test.skipIf(torch === undefined)(
    `and what the PyTorch of this machine writes${torch === undefined ? ' (skipped: there is no python3 with torch)' : ''}`,
    async () => {
      const folder = dirname(scratch('x'));
      const { status, stderr } = spawnSync(torch as string, [WRITER, folder], { encoding: 'utf8' });
      expect(status, stderr).toBe(0);
      expect(readdirSync(folder).sort()).toEqual(readdirSync(FIXTURES).sort());
      await expectContents(folder);
    },
  );

  test('tensors of larger elements first, then by name, as safetensors files have them', async () => {
    const { tensors, metadata } = await open(join(FIXTURES, 'dtypes.pt'));
    expect(tensors.map(({ name }) => name)).toEqual([
      'C64',
      'F64',
      'I64',
      'F32',
      'I32',
      'BF16',
      'F16',
      'I16',
      'BOOL',
      'I8',
      'U8',
    ]);
    expect(metadata).toBeUndefined();
  });

  test('contiguous tensors where they are, so that others can read them from the file', async () => {
    const file = await open(join(FIXTURES, 'layouts.pt'));
    const whole = readFileSync(file.path);
    for (const name of ['slice', 'scalar_of_many', 'tied', 'empty_slice']) {
      const { offset, byteLength } = file.range(name) as { offset: number; byteLength: number };
      expect(whole.subarray(offset, offset + byteLength).equals(await valuesOf(file, name)), name).toBe(true);
    }
    expect(file.range('tied')).toEqual(file.range('tied_too'));
    expect(['transposed', 'column', 'tied_view', 'expanded'].map((name) => file.range(name))).toEqual(
      Array(4).fill(undefined),
    );
  });

  test('any part of a tensor into targets of any alignment', async () => {
    const file = await open(join(FIXTURES, 'layouts.pt'));
    const tensors = file.tensors.filter(({ byteLength }) => byteLength > 0);
    const whole = new Map<string, Uint8Array>();
    for (const { name } of tensors) whole.set(name, await valuesOf(file, name));
    const part = fc.record({ tensor: fc.nat(tensors.length - 1), from: fc.nat(), length: fc.nat(), shift: fc.nat(7) });
    await fc.assert(
      fc.asyncProperty(part, async ({ tensor, from, length, shift }) => {
        const { name, byteLength } = tensors[tensor] as { name: string; byteLength: number };
        const start = from % byteLength;
        const size = length % (byteLength - start + 1);
        const target = new Uint8Array(size + shift).subarray(shift);
        await file.read(name, target, start);
        expect([...target]).toEqual([...(whole.get(name) as Uint8Array).subarray(start, start + size)]);
      }),
      { numRuns: 300 },
    );
    await expect(file.read('slice', new Uint8Array(8), 28)).rejects.toThrow(RangeError);
    await expect(file.read('gone', new Uint8Array(1))).rejects.toThrow(RangeError);
  });

  test('by their first bytes where the extension says nothing', async () => {
    const path = scratch('weights');
    copyFileSync(join(FIXTURES, 'module.pt'), path);
    const file = await openTensorFile(path);
    opened.push(file);
    expect(file.tensors).toHaveLength(9);
  });

  test('types that came later, which name their type beside an untyped storage', async () => {
    const untyped = ['(', text('storage'), 'ctorch.storage\nUntypedStorage\n', text('0'), text('cpu'), long(24), 'tQ'];
    const view = [
      long(1),
      '(',
      long(5),
      long(2),
      't(',
      long(2),
      long(1),
      't',
      '\x89',
      'ccollections\nOrderedDict\n)R',
      'ctorch\nuint16\n',
    ];
    const body = pickle('ctorch._utils\n_rebuild_tensor_v3\n(', ...untyped, ...view, 'tR');
    const file = await open(writePyTorch(dictPickle({ w: body })));
    expect(file.tensors).toEqual([{ name: 'w', dtype: 'U16', shape: [5, 2], byteLength: 20 }]);
    expect(file.range('w')?.byteLength).toBe(20);
  });

  test('an archive with zip64 records and a comment', async () => {
    const path = writePyTorch(dictPickle({ w: tensorPickle() }), [], { end: { comment: 'a comment' } });
    expect((await open(path)).tensors).toHaveLength(1);
    // torch.save always writes zip64 records at the end.
    expect(readFileSync(join(FIXTURES, 'module.pt')).includes(Buffer.of(0x50, 0x4b, 6, 6))).toBe(true);
  });
});

describe('finds the state dict', () => {
  test('that is asked for', async () => {
    expect(Object.keys(await contentsOf(join(FIXTURES, 'several.pt'), 'state_dict'))).toEqual(['w']);
    expect(Object.keys(await contentsOf(join(FIXTURES, 'several.pt'), 'model'))).toHaveLength(9);
    expect(await contentsOf(join(FIXTURES, 'ema.pt'), 'ema')).toEqual(await contentsOf(join(FIXTURES, 'training.pt')));
    expect(Object.keys(await contentsOf(join(FIXTURES, 'training.pt'), 'state_dict_ema'))).toHaveLength(9);
  });

  test.each<[string, string | undefined, RegExp]>([
    [
      'several.pt',
      undefined,
      /state dicts under "model", "state_dict" in .*several\.pt \(say which: state_dict: KEY .*--state-dict KEY\)$/,
    ],
    ['several.pt', 'modle', /state dict under "modle" but found state dicts under "model", "state_dict"/],
    ['ema.pt', undefined, /under "ema" .*say which/],
    ['module.pt', 'model', /under "model" but found tensors themselves/],
    ['nothing.pt', undefined, /without one, with the keys "epoch", "lr"/],
    ['beside.pt', undefined, /tensors beside "epoch", which is none/],
    ['list.pt', undefined, /found a list/],
  ])('or says what there is: %s with %s', async (name, key, message) => {
    expect(await refusal(openPyTorch(FIXTURES + name, { stateDict: key }), 'FORMAT')).toMatch(message);
  });
});

test.each([
  ['legacy.pt', /zip format of PyTorch 1\.6 and newer but found an older one .*torch\.save\(torch\.load/],
  ['script.pt', /TorchScript program, which holds code .*torch\.jit\.load/],
  ['object.pt', /global "argparse\.Namespace", which is not called/],
  ['array.pt', /global "numpy\.core\.multiarray\.scalar"/],
  ['whole-module.pt', /only tensors .*state_dict\(\).*"torch\.nn\.modules\.linear\.Linear"/],
])('%s is refused with what can be done', async (name, message) => {
  expect(await refusal(openPyTorch(FIXTURES + name), 'FORMAT')).toMatch(message);
});

test('a damaged tensor is found when it is first used, and not before', async () => {
  const path = scratch('m.pt');
  const bytes = readFileSync(join(FIXTURES, 'module.pt'));
  const { offset } = (await open(join(FIXTURES, 'module.pt'))).range('head.weight') as { offset: number };
  bytes[offset] = (bytes[offset] as number) ^ 1;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  const file = await open(path);
  await file.check?.('head.bias');
  expect(await refusal(file.check?.('head.weight') as Promise<void>, 'FORMAT')).toMatch(
    /damaged .*data\/\d+", tensor "head\.weight"$/,
  );
});

test('a file that was cut short is refused', async () => {
  const bytes = readFileSync(join(FIXTURES, 'module.pt'));
  for (let length = 0; length < bytes.byteLength; length += 97) {
    await refusal(openPyTorch(writeBytes(bytes.subarray(0, length))), 'FORMAT');
  }
});
