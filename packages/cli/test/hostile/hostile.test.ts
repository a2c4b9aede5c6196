import { execFileSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '@radin/core';
import { describe, expect, test } from 'vitest';
import { dictPickle, pickle, tensorPickle } from '../../../core/test/formats/pytorch-files.js';
import { npy, zip } from '../../../core/test/zip.js';
import { mutant } from '../../../fuzz/src/changes/bytes.js';
import { linearGraph } from '../linear-graph.js';
import { linearPool, writeConfig } from '../pools.js';
import { runRadin, runRadinHere } from '../run-radin.js';
import { newFolder } from '../scratch.js';
import {
  type Malformed,
  malformedIndexes,
  malformedNpy,
  malformedOnnx,
  malformedSafetensors,
  malformedYaml,
  malformedZips,
  safetensors,
} from './malformed.js';

/** Changed files of each format; more find more: `RADIN_HOSTILE_FILES=100000`, and another seed others. */
const MUTANTS = Number(process.env.RADIN_HOSTILE_FILES ?? 100);
const SEED = Number(process.env.RADIN_HOSTILE_SEED ?? 0);
/** Of the processor. */
const LONGEST_MS = 10_000;
/** Of this whole process, tests included; what one file may take is measured in a process of its own, below. */
const LARGEST_KB = 1_000_000;

const MKFIFO = '/usr/bin/mkfifo';
const folder = newFolder();
const tensor = npy('<f4', [2], Float32Array.of(1, 2));
const W = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
const shard = safetensors({ w: W });
const stateDict = pickle('\x80\x02', dictPickle({ w: tensorPickle({ shape: [2], strides: [1], count: 2 }) }), '.');
const checkpoint = zip([
  { name: 'm/data.pkl', bytes: stateDict },
  { name: 'm/data/0', bytes: new Uint8Array(8) },
]);

/** Runs a command on a file, which must not be accepted, nor anything written besides one line. @returns whether it was refused */
async function tried(args: readonly string[], where = folder): Promise<boolean> {
  const before = process.cpuUsage();
  const { code, stdout, stderr } = await runRadinHere([...args, '--json'], where);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(LONGEST_MS);
  expect(process.resourceUsage().maxRSS).toBeLessThan(LARGEST_KB);
  if (code === 0) {
    expect(() => JSON.parse(stdout)).not.toThrow();
    return false;
  }
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^radin: error: [^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,1200}\n$/u);
  return true;
}

async function inspected(bytes: Uint8Array, file: string): Promise<boolean> {
  writeFileSync(join(folder, file), bytes);
  return tried(['inspect', file]);
}

const formats: Record<string, { file: string; whole: Buffer; malformed: () => Malformed[] }> = {
  safetensors: { file: 'x.safetensors', whole: shard, malformed: malformedSafetensors },
  index: {
    file: 'x.safetensors.index.json',
    whole: Buffer.from(JSON.stringify({ metadata: { total_size: 8 }, weight_map: { w: 'w.safetensors' } })),
    malformed: () => malformedIndexes('w.safetensors'),
  },
  pytorch: { file: 'x.pt', whole: checkpoint, malformed: () => malformedZips('m/data.pkl', stateDict) },
  npy: { file: 'x.npy', whole: tensor, malformed: malformedNpy },
  npz: {
    file: 'x.npz',
    whole: zip([{ name: 'x.npy', bytes: tensor, deflated: true }]),
    malformed: () => malformedZips('x.npy', tensor),
  },
  onnx: {
    file: 'x.onnx',
    whole: Buffer.from(linearGraph({ features: 2, classes: 2, scale: 's' })),
    malformed: malformedOnnx,
  },
  yaml: {
    file: 'x.yaml',
    whole: Buffer.from(
      'graph: g\nmodels: [a, "b/*"]\nvalidation: { inputs: a, labels: b }\nrename: { "a.": b }\nmetric: top-2\n',
    ),
    malformed: malformedYaml,
  },
};
writeFileSync(join(folder, 'w.safetensors'), shard);

describe.each(Object.entries(formats))('%s', (_, { file, whole, malformed }) => {
  test('that is malformed is refused with one line, in bounded time and memory', async () => {
    expect(await inspected(whole, file)).toBe(false);
    const accepted = [];
    for (const [label, bytes] of malformed()) if (!(await inspected(bytes, file))) accepted.push(JSON.stringify(label));
    expect(accepted).toEqual([]);
  });

  test(
    `that was changed anywhere is refused so or read, ${MUTANTS} times`,
    async () => {
      const random = new Random(SEED);
      for (let at = 0; at < MUTANTS; at++) {
        const bytes = mutant(whole, random);
        await inspected(bytes, file).catch((error: Error) => {
          error.message += `\nin ${JSON.stringify(bytes.toString('latin1'))}`;
          throw error;
        });
      }
    },
    24 * 3_600_000,
  );
});

describe('report and score', () => {
  test(
    'refuse changed results and logits so, or take them',
    async () => {
      const { folder: pool } = await linearPool();
      const out = newFolder();
      expect((await runRadinHere(['search', pool, '--budget', '2', '--out', out, '--no-report'], pool)).code).toBe(0);
      const result = readFileSync(join(out, 'result.json'));
      const logits = npy(
        '<f4',
        [150, 4],
        new Float32Array(600).map((_, at) => Math.sin(at)),
      );
      const random = new Random(SEED);
      for (let at = 0; at < MUTANTS / 5; at++) {
        writeFileSync(join(out, 'result.json'), mutant(result, random));
        await tried(['report', out], pool);
        writeFileSync(join(pool, 'a.npy'), mutant(logits, random));
        await tried(['score', '--logits', 'a.npy', '--labels', 'val_labels.npy', '--candidates', '3'], pool);
      }
    },
    24 * 3_600_000,
  );
});

describe('what is no regular file', () => {
  const where = newFolder();
  test.each(['safetensors', 'safetensors.index.json', 'pt', 'npy', 'npz', 'onnx', 'yaml'])('.%s', async (ending) => {
    const name = (kind: string) => `${kind}.${ending}`;
    execFileSync(MKFIFO, [join(where, name('pipe'))]);
    symlinkSync('/dev/zero', join(where, name('device')));
    symlinkSync(name('loop'), join(where, name('loop')));
    for (const kind of ['pipe', 'device', 'loop', 'absent'])
      expect(await tried(['inspect', name(kind)], where)).toBe(true);
  });

  test('among the models of a pool', async () => {
    const { folder: pool } = await linearPool();
    writeConfig(pool, { models: "['models/*.safetensors', pipe.safetensors]" });
    execFileSync(MKFIFO, [join(pool, 'pipe.safetensors')]);
    symlinkSync('/dev/zero', join(pool, 'models/zero.safetensors'));
    const { code, stdout } = await runRadinHere(['inspect', '.', '--json'], pool);
    expect(code).toBe(0);
    const bad = (JSON.parse(stdout) as { models: { id: string; problems: string[] }[] }).models.filter(
      ({ problems }) => problems.length > 0,
    );
    expect(bad.map(({ id }) => id)).toEqual(['zero', 'pipe']);
    expect(await tried(['search', '.', '--out', 'out'], pool)).toBe(true);
  });
});

describe('a small file that asks for much is refused within 500 MB, in a process of its own', () => {
  const many = (part: string, bytes: number) => part.repeat(bytes / part.length);
  test.each<[string, string, () => Uint8Array]>([
    ['values of a header', 'x.safetensors', () => safetensors(`{"w":[${many('[],', 60_000_000)}[]]}`)],
    ['escapes', 'x.safetensors', () => safetensors(`{"w":"${many('\\u00e4', 60_000_000)}"}`)],
    ['nodes', 'x.onnx', () => (malformedOnnx().find(([label]) => label === 'a million empty nodes') as Malformed)[1]],
    [
      'tensors',
      'x.onnx',
      () => Buffer.concat([Buffer.of(0x3a, 0x80, 0x89, 0x7a), Buffer.from('2a00'.repeat(1e6), 'hex')]),
    ],
    ['brackets', 'x.yaml', () => Buffer.from(']'.repeat(2 ** 18))],
    ['keys', 'x.yaml', () => Buffer.from(Array.from({ length: 100_000 }, (_, at) => `k${at}: 1\n`).join(''))],
  ])('%s', async (_, file, bytes) => {
    const where = newFolder();
    writeFileSync(join(where, file), bytes());
    const measure = 'process.on("exit", () => console.error(process.resourceUsage().maxRSS))';
    const environment = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(measure)}` };
    const { code, stderr } = await runRadin(['inspect', file], where, () => {}, environment);
    const [, peak] = /^radin: error: .+\n(\d+)\n$/.exec(stderr) ?? [];
    expect({ code, stderr }).toMatchObject({ code: 2 });
    expect(Number(peak)).toBeLessThan(500_000);
  });
});
