import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkpointBytes, dictPickle, pickle, type StoredTensor, text } from '../../core/test/formats/pytorch-files.js';
import { zipOf } from '../../core/test/formats/zip-files.js';
import { CHECKPOINTS, inFolders } from './pool-forms.js';
import { CLASSES, FEATURES, type LinearModel, type LinearPool, linearPool, modelPath, writeConfig } from './pools.js';
import { refusal } from './refusal.js';
import { radinJson, runRadin } from './run-radin.js';
import { newFolder } from './scratch.js';

const FIXTURES = new URL('../../core/test/formats/fixtures/pytorch/', import.meta.url).pathname;

/** W as PyTorch has it after a transposition: the columns one after the other. */
function transposed(weight: Float32Array): StoredTensor {
  const columns = Float32Array.from(
    weight,
    (_, at) => weight[(at % FEATURES) * CLASSES + Math.floor(at / FEATURES)] as number,
  );
  return {
    type: 'FloatStorage',
    shape: [FEATURES, CLASSES],
    strides: [1, FEATURES],
    storage: new Uint8Array(columns.buffer),
  };
}

function tensorsOf({ weight, bias }: LinearModel, isTransposed: boolean): Record<string, StoredTensor> {
  const plain = {
    type: 'FloatStorage',
    shape: [FEATURES, CLASSES],
    storage: new Uint8Array(weight.slice().buffer),
  } as const;
  const biases = { type: 'FloatStorage', shape: [CLASSES], storage: new Uint8Array(bias.slice().buffer) } as const;
  return { bias: biases, weight: isTransposed ? transposed(weight) : plain };
}

const trained = (stateDict: Uint8Array) => pickle('}(', text('epoch'), 'K\x03', text('state_dict'), stateDict, 'u');

/** Replaces models of a pool by PyTorch files of the same weights: plain, transposed, and in a checkpoint with other things. */
function convert(pool: LinearPool, ids: readonly string[]): void {
  for (const [at, id] of ids.entries()) {
    const model = pool.models.find((one) => one.id === id) as LinearModel;
    rmSync(modelPath(pool, id));
    const bytes = checkpointBytes(tensorsOf(model, at % 2 === 1), at % 3 === 2 ? trained : undefined);
    writeFileSync(join(pool.folder, 'models', `${id}.${['pt', 'pth', 'bin'][at % 3]}`), bytes);
  }
  writeConfig(pool.folder, { models: "'models/*'" });
}

/** A PyTorch file, a folder of shards, a safetensors file and a folder of a PyTorch file, one model in each. */
async function mix(pool: LinearPool): Promise<void> {
  await inFolders(pool, true);
  convert(pool, ['a', 'd']);
  const models = join(pool.folder, 'models');
  rmSync(modelPath(pool, 'b'));
  renameSync(join(pool.folder, CHECKPOINTS, 'b'), join(models, 'b'));
  writeFileSync(join(models, 'b', 'pytorch_model.bin'), 'passed over where there are shards');
  mkdirSync(join(models, 'd'));
  renameSync(join(models, 'd.pth'), join(models, 'd', 'pytorch_model.bin'));
}

interface Result {
  readonly best: object;
  readonly candidates: object;
}

describe.concurrent('a pool of PyTorch files', () => {
  it('gives the scores, the soup and the logits of safetensors files, alone or mixed with them and with shards', async () => {
    const cache = newFolder();
    const found: (Result & { readonly soup: string })[] = [];
    for (const change of [
      (pool: LinearPool) => convert(pool, []),
      mix,
      (pool: LinearPool) => convert(pool, ['b', 'd']),
      (pool: LinearPool) => convert(pool, ['a', 'b', 'c', 'd']),
    ]) {
      const pool = await linearPool();
      await change(pool);
      const { best, candidates } = await radinJson<Result>(
        ['search', '.', '--out', 'out', '--no-report', '--cache', cache],
        pool.folder,
      );
      found.push({
        best,
        candidates,
        soup: readFileSync(join(pool.folder, 'out/soup.safetensors')).toString('base64'),
      });
    }
    expect(found).toEqual(found.map(() => found[0]));
    const pool = await linearPool();
    convert(pool, ['a', 'b', 'c', 'd']);
    const { reused } = await radinJson<{ reused: boolean }>(['evaluate', '.', 'b', '--cache', cache], pool.folder);
    expect(reused).toBe(true);
  });

  it('is averaged to the bytes of safetensors files', async () => {
    const pool = await linearPool();
    await radinJson(
      ['average', 'models/a.safetensors', 'models/b.safetensors', '--out', 'expected.safetensors'],
      pool.folder,
    );
    convert(pool, ['a', 'b']);
    await radinJson(['average', 'models/a.pt', 'models/b.pth', '--out', 'found.safetensors'], pool.folder);
    expect(readFileSync(join(pool.folder, 'found.safetensors'))).toEqual(
      readFileSync(join(pool.folder, 'expected.safetensors')),
    );
  });

  it('is inspected as any other', async () => {
    const pool = await linearPool();
    convert(pool, ['a', 'b', 'c']);
    const { models, problems } = await radinJson<{
      models: { id: string; tensors: number; problems: string[] }[];
      problems: string[];
    }>(['inspect', '.'], pool.folder);
    expect(problems).toEqual([]);
    expect(models.map(({ id, tensors, problems: own }) => [id, tensors, own])).toEqual(
      ['a', 'c', 'b', 'd'].sort().map((id) => [id, 2, []]),
    );
  });

  it('takes the state dict that radin.yaml or --state-dict names', async () => {
    const pool = await linearPool({ models: 2 });
    const [a, b] = pool.models as [LinearModel, LinearModel];
    const both = checkpointBytes(tensorsOf(a, false), (stateDict) =>
      pickle('}(', text('model'), stateDict, text('other'), dictPickle({}), text('state_dict'), stateDict, 'u'),
    );
    rmSync(modelPath(pool, 'a'));
    writeFileSync(join(pool.folder, 'models/a.pt'), both);
    writeConfig(pool.folder, { models: "'models/*'" });
    const { code, stdout, stderr } = await runRadin(['evaluate', '.', 'a', '--json'], pool.folder);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /^radin: error: .*"model", "state_dict" in models\/a\.pt \(say which: state_dict: KEY in radin\.yaml, or --state-dict KEY\)\n$/,
    );
    const named = await radinJson<{ score: number }>(['evaluate', '.', 'a', '--state-dict', 'model'], pool.folder);
    writeConfig(pool.folder, { models: "'models/*'", state_dict: 'state_dict' });
    expect((await radinJson<{ score: number }>(['evaluate', '.', 'a'], pool.folder)).score).toBe(named.score);
    const { models } = await radinJson<{ models: { problems: string[] }[] }>(['inspect', '.'], pool.folder);
    expect(models.map(({ problems }) => problems)).toEqual([[], []]);
    const tensors = await radinJson<{ tensors: object[] }>(
      ['inspect', 'models/a.pt', '--state-dict', 'model'],
      pool.folder,
    );
    expect(tensors.tensors).toHaveLength(2);
    await radinJson(
      ['average', 'models/a.pt', modelPath(pool, b.id), '--state-dict', 'model', '--out', 'soup.safetensors'],
      pool.folder,
    );
  });
});

describe.concurrent('inspect of a PyTorch file', () => {
  it('lists names, types, shapes and the hashes of the values', async () => {
    const expected = JSON.parse(readFileSync(join(FIXTURES, 'expected.json'), 'utf8')).layouts as Record<
      string,
      object
    >;
    const { format, tensors, metadata } = await radinJson<{
      format: string;
      tensors: { name: string }[];
      metadata?: object;
    }>(['inspect', join(FIXTURES, 'layouts.pt')], newFolder());
    expect({ format, metadata }).toEqual({ format: 'pytorch', metadata: undefined });
    expect(Object.fromEntries(tensors.map(({ name, ...tensor }) => [name, tensor]))).toEqual(expected);
    const { stdout } = await runRadin(['inspect', join(FIXTURES, 'layouts.pt')], newFolder());
    expect(stdout).toMatch(/layouts\.pt: pytorch, 14 tensors\n/);
  });
});

describe.concurrent('PyTorch files are refused', () => {
  const place = (pool: LinearPool, bytes: Uint8Array) => {
    writeFileSync(join(pool.folder, 'models/b.pt'), bytes);
    rmSync(modelPath(pool, 'b'));
    writeConfig(pool.folder, { models: "'models/*'" });
  };

  it('where a model of another format has the same name', async () => {
    const search = await refusal(['search', '.', '--out', 'out', '--json'], (pool) => {
      writeFileSync(join(pool.folder, 'models/a.pt'), checkpointBytes(tensorsOf(pool.models[0] as LinearModel, false)));
      writeConfig(pool.folder, { models: "'models/*'" });
    });
    expect(search).toMatch(/two models called "a"/);
  });

  it.each([
    [
      'that call something',
      () => zipOf([{ name: 'm/data.pkl', data: pickle('\x80\x02cos\nsystem\n(', text('touch called'), 'tR.') }]),
      /"os\.system", which is not called,.*models\/b\.pt/,
    ],
    [
      'that are damaged',
      () => {
        const bytes = checkpointBytes({
          weight: transposed(new Float32Array(FEATURES * CLASSES).fill(1.5)),
          bias: { type: 'FloatStorage', shape: [CLASSES], storage: new Uint8Array(4 * CLASSES) },
        });
        bytes[bytes.indexOf(Buffer.of(0, 0, 0xc0, 0x3f))] = 1;
        return bytes;
      },
      /checksum .*damaged.*models\/b\.pt.*tensor "weight"/,
    ],
    [
      'of the older format',
      () => readFileSync(join(FIXTURES, 'legacy.pt')),
      /an older one .*models\/b\.pt \(convert it/,
    ],
    ['of TorchScript', () => readFileSync(join(FIXTURES, 'script.pt')), /TorchScript/],
  ])('%s', async (_, bytes, message) => {
    expect(await refusal(['search', '.', '--out', 'out', '--json'], (pool) => place(pool, bytes()))).toMatch(message);
  });

  it('in less than 500 MB of memory', async () => {
    const folder = newFolder();
    const bodies = [
      '}0'.repeat(8e6),
      '\x8c\x000'.repeat(5e6),
      `N${'\x94'.repeat(1.6e7)}`,
      ']q\0'.concat(`(${'h\0'.repeat(16)}e`.repeat(4e5)),
    ];
    const report = "process.on('exit',()=>process.stderr.write('RSS '+process.resourceUsage().maxRSS))";
    for (const body of bodies) {
      writeFileSync(
        join(folder, 'm.pt'),
        zipOf([{ name: 'm/data.pkl', data: pickle('\x80\x02', body.slice(0, 2 ** 24 - 3), '.') }]),
      );
      const environment = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(report)}` };
      const { code, stderr } = await runRadin(['inspect', 'm.pt', '--json'], folder, undefined, environment);
      const [, message, kilobytes] = /^(radin: error: .+)\nRSS (\d+)$/.exec(stderr) ?? [];
      expect({ code, message }).toEqual({ code: 2, message: expect.stringMatching(/2097152 objects/) });
      expect(Number(kilobytes)).toBeLessThan(500_000);
    }
  });
});
