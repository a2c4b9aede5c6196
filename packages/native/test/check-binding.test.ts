import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'radin-binding-'));
});
beforeEach(() => {
  for (const part of ['lib', 'src']) cpSync(join(root, part), join(folder, part), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

function plant(file: string, from: string, to: string): void {
  const path = join(folder, file);
  const text = readFileSync(path, 'utf8');
  if (!text.includes(from)) throw new Error(`${file} has no ${from} to drift from`);
  writeFileSync(path, text.replace(from, to));
}

/** The function that the script prints the lines of. */
const { bindingDrifts } = (await import(join(root, 'scripts/binding-drifts.mjs'))) as {
  bindingDrifts: (root: string) => string[];
};

function run(): { readonly status: number | null; readonly stderr: string } {
  return spawnSync(process.execPath, [join(root, 'scripts/check-binding.mjs'), folder], { encoding: 'utf8' });
}

it('header, binding and TypeScript agree', () => {
  expect(run()).toMatchObject({ status: 0, stderr: '' });
});

it('a drift is printed and fails the check', () => {
  plant('src/cpu/source.cc', 'kChanged = -1', 'kChanged = -2');
  expect(run()).toMatchObject({ status: 1, stderr: 'binding: CHANGED is -1 but kChanged is -2\n' });
});

describe('a drift is found:', () => {
  it.each<[string, string, string, string, string]>([
    ['a version', 'lib/addon.ts', 'const BINDING_VERSION = ', 'const BINDING_VERSION = 9', 'BINDING_VERSION is 9'],
    [
      'a dtype’s code',
      'src/kernels.h',
      'RADIN_BF16 = 1',
      'RADIN_BF16 = 7',
      'DTYPE_CODES.BF16 is 1 but in RadinDtype it is 7',
    ],
    [
      'a dtype that lib/ lacks',
      'src/kernels.h',
      'RADIN_F64 = 3',
      'RADIN_F64 = 3, RADIN_F8 = 4',
      '4 codes but RadinDtype has 5',
    ],
    [
      'a state',
      'lib/addon.ts',
      'const CANCELLED = 2',
      'const CANCELLED = 1',
      'CANCELLED is 1 but in RadinState it is 2',
    ],
    ['a block’s size', 'lib/cross-entropy.ts', 'BLOCK_SAMPLES = 256', 'BLOCK_SAMPLES = 128', 'kBlockSamples is 256'],
    ['a reason of failure', 'src/cpu/source.cc', 'kChanged = -1', 'kChanged = -2', 'CHANGED is -1 but kChanged is -2'],
    [
      'a function that lib/ lacks',
      'lib/addon.ts',
      '  stream(',
      '  flow(',
      'stream is in addon.cc but not in AddonBinding',
    ],
    [
      'a function that src/ lacks',
      'lib/addon.ts',
      '  stream(',
      '  flow(',
      'flow is in AddonBinding but not in addon.cc',
    ],
    [
      'the number of arguments',
      'src/napi/addon.cc',
      'call<stream_job, ',
      'call<stream_job, 1',
      'arguments in addon.cc',
    ],
    [
      'an argument more in lib/',
      'lib/addon.ts',
      '    top: number,\n',
      '    top: number,\n    bottom: number,\n',
      'bankOpen',
    ],
    [
      'arguments in another order in the comment',
      'src/napi/stream_job.cc',
      'read: Uint8Array[], write: Uint8Array[]',
      'write: Uint8Array[], read: Uint8Array[]',
      'is stream(backend, write, read, threads, state) in its comment',
    ],
    [
      'an argument of another type in the comment',
      'src/napi/bank_jobs.cc',
      'subsets: Uint32Array',
      'subsets: Int32Array',
      "bankAllSubsets's subsets is Uint32Array in AddonBinding but Int32Array in its comment",
    ],
    [
      'an argument that is read as another type',
      'lib/addon.ts',
      '    counts: Float64Array,',
      '    counts: Float32Array,',
      "bankCount's counts is Float32Array in AddonBinding but read as Float64Array",
    ],
    [
      'an argument that is read at another’s place',
      'src/napi/cross_entropy_job.cc',
      'arguments.float64(arguments[8], "Expected a Float64Array for results")',
      'arguments.float64(arguments[6], "Expected a Float64Array for results")',
      'crossEntropy reads arguments[6], coefficients in AddonBinding, as results',
    ],
    [
      'an argument that is not read',
      'src/napi/stream_job.cc',
      'arrays(arguments, arguments[2]',
      'arrays(arguments, arguments[1]',
      "stream's write is not read",
    ],
    ['a comment that is gone', 'src/napi/stream_job.cc', '// stream(', '// flow(', 'stream has no comment'],
    ['a job that is made otherwise', 'src/napi/stream_job.cc', 'stream_job(', 'flow_job(', "stream's job is not found"],
  ])('%s', (_, file, from, to, message) => {
    plant(file, from, to);
    expect(bindingDrifts(folder)).toContainEqual(expect.stringContaining(message));
  });
});

it('a group of arguments that a helper reads is checked like the others', () => {
  // As a job would read two arguments in a row by a class that is told where they begin.
  plant('src/napi/stream_job.cc', 'read_ = arrays(arguments, arguments[1], "Expected an Array for read");', '');
  plant('src/napi/stream_job.cc', 'write_ = arrays(arguments, arguments[2], "Expected an Array for write");', '');
  plant('src/napi/stream_job.cc', 'backend_(backend) {', 'backend_(backend), group_(arguments, 1) {');
  plant('src/napi/stream_job.cc', '  Arrays read_;\n  Arrays write_;', '  const Group group_;');
  plant('src/napi/stream_job.cc', 'read: Uint8Array[], write: Uint8Array[]', '…Group');
  const group = (second: string) =>
    writeFileSync(
      join(folder, 'src/napi/group.cc'),
      `Group::Group(const Arguments& arguments, size_t first)
    : read_(arguments.length(arguments[first], "Expected an Array for read")) {
  write_ = arguments.${second}(arguments[first + 1], "Expected an Array for write");
}
`,
    );
  group('length');
  expect(bindingDrifts(folder)).toEqual([]);
  group('float64');
  expect(bindingDrifts(folder)).toEqual([
    "stream's write is Uint8Array[] in AddonBinding but read as Float64Array in src/napi",
  ]);
  rmSync(join(folder, 'src/napi/group.cc'));
});
