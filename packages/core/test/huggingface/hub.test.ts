import { mkdtempSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hubModel } from '../../src/huggingface/index.js';
import { contentSha256, FileCheckpoint, modelFile, modelId } from '../../src/pool/index.js';
import { f32, refused, temporaryFolder, writeModel } from '../files.js';
import { checkpointBytes } from '../formats/pytorch-files.js';
import { COMMIT, hub } from './hub-server.js';

const root = temporaryFolder();
const newFolder = () => mkdtempSync(join(root, 'f'));

const A = Float32Array.from({ length: 600 }, (_, at) => at);
const STORED = { type: 'FloatStorage', shape: [600], storage: new Uint8Array(A.buffer) } as const;
const text = (value: string) => new TextEncoder().encode(value);

const model = writeModel(join(newFolder(), 'm.safetensors'), { a: f32([600], A), b: f32([600], A) }).then((path) =>
  readFileSync(path),
);
const server = model.then((weights) =>
  hub({
    'README.md': text('---\nlicense: mit\n---\n'),
    'config.json': text('{"hidden_size": 4}'),
    'model.safetensors': weights,
    'pytorch_model.bin': text('a copy that is not asked for'),
    'training_args.bin': text('not asked for'),
    'shards/pytorch_model.bin.index.json': text(
      JSON.stringify({
        metadata: { total_size: 1 },
        weight_map: { a: 'pytorch_model-1.bin', b: 'pytorch_model-2.bin' },
      }),
    ),
    'shards/pytorch_model-1.bin': checkpointBytes({ a: STORED }),
    'shards/pytorch_model-2.bin': checkpointBytes({ b: STORED }),
    'shards/tokenizer.json': text('{}'),
  }),
);

/** The environment of a user with an empty cache. */
async function user(more: NodeJS.ProcessEnv = {}) {
  return { HF_HOME: newFolder(), HF_HUB_CACHE: newFolder(), HF_ENDPOINT: (await server).url, ...more };
}

async function contentOf(path: string): Promise<string> {
  const checkpoint = await FileCheckpoint.open('m', await modelFile(path));
  return contentSha256(checkpoint).finally(() => checkpoint.close());
}

describe('a model on the Hub', () => {
  test('is downloaded into the shared cache, what is needed alone, continues where it broke off, and is there offline', async () => {
    const environment = await user();
    const { requests } = await server;
    (await server).breakOff = 'model.safetensors';
    const progress: string[] = [];
    const onProgress = (file: string) => progress.push(file);
    const folder = await hubModel('hf://org/name@v1', { environment, onProgress });
    const repository = join(environment.HF_HUB_CACHE, 'models--org--name');
    expect(folder).toBe(join(repository, 'snapshots', COMMIT));
    expect(readdirSync(folder).sort()).toEqual(['README.md', 'config.json', 'model.safetensors']);
    expect(readlinkSync(join(folder, 'config.json'))).toMatch(/^\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/);
    expect(readdirSync(join(repository, 'blobs'))).toHaveLength(3);
    expect(readFileSync(join(folder, 'model.safetensors'))).toEqual(await model);
    expect(readFileSync(join(repository, 'refs', 'v1'), 'utf8')).toBe(COMMIT);
    expect(progress).toContain('model.safetensors');
    expect(modelId(await modelFile(folder))).toBe('org/name@0123456');
    const before = requests.length;
    expect(await hubModel('hf://org/name@v1', { environment: { ...environment, HF_HUB_OFFLINE: '1' } })).toBe(folder);
    expect(requests.length).toBe(before);
    expect(await hubModel(`hf://org/name@${COMMIT}/model.safetensors`, { environment })).toBe(
      join(folder, 'model.safetensors'),
    );
    expect(requests.slice(before).filter((line) => line.includes('/resolve/'))).toEqual([]);
  });

  test('may be PyTorch shards, links to blobs, with the weights of one safetensors file', async () => {
    const environment = await user();
    const folder = await hubModel('hf://org/name/shards', { environment });
    expect(readdirSync(folder)).toHaveLength(4);
    const whole = await hubModel('hf://org/name', { environment });
    expect(await contentOf(folder)).toBe(await contentOf(whole));
  });

  test('may ask for a token, from the environment or a file', async () => {
    const environment = await user({ HF_TOKEN: 'hf_token' });
    expect(await hubModel('hf://org/closed', { environment })).toContain('models--org--closed');
    const other = await user();
    writeFileSync(join(other.HF_HOME, 'token'), 'hf_token\n');
    expect(await hubModel('hf://org/closed', { environment: other })).toContain('models--org--closed');
  });

  test('is read with a token that no other server gets, also where a listing goes on there', async () => {
    const files = { 'model.safetensors': await model };
    const [asked, other] = [await hub(files), await hub(files)];
    asked.nextPage = `${other.url}/api/models/org/name/tree/${COMMIT}`;
    await hubModel('hf://org/closed', { environment: await user({ HF_ENDPOINT: asked.url, HF_TOKEN: 'hf_token' }) });
    expect(new Set(asked.tokens)).toEqual(new Set(['Bearer hf_token']));
    expect(other.tokens).toEqual([undefined]);
  });
});

describe('one line says what is wrong with', () => {
  test.each<[string, string, NodeJS.ProcessEnv, RegExp]>([
    ['a model that is not there', 'hf://org/none', {}, /no token: set HF_TOKEN \(401; .* private, gated, or does not/],
    ['a token that gives no access', 'hf://org/closed', { HF_TOKEN: 'hf_x' }, /a token that does not give access/],
    ['a token of another kind', 'hf://org/closed', { HF_TOKEN: 'secret' }, /access token must start with 'hf_'/],
    ['a gated model', 'hf://org/gated', {}, /a gated model: accept its conditions at .*\/org\/gated and set HF_TOKEN/],
    ['a revision', 'hf://org/name@v2', {}, /no revision v2 of org\/name/],
    ['a folder without a model', 'hf://org/name/sub', {}, /a model \(model\.safetensors, .*\) in sub of hf:/],
    [
      'no network',
      'hf://org/name',
      { HF_ENDPOINT: 'http://127.0.0.1:54321' },
      /ECONNREFUSED at http.*HF_HUB_OFFLINE=1/,
    ],
    [
      'an empty cache offline',
      'hf://org/name',
      { HF_HUB_OFFLINE: '1' },
      /HF_HUB_OFFLINE is set, but found no revision "main"/,
    ],
  ])('%s', async (_, reference, more, message) => {
    const environment = await user(more);
    await expect(hubModel(reference, { environment })).rejects.toEqual(refused('FILE', message));
    expect(readdirSync(environment.HF_HUB_CACHE)).toEqual([]);
  });

  test('content that is not what the Hub promises, and nothing of it stays', async () => {
    const environment = await user();
    (await server).spoilt = 'model.safetensors';
    await expect(hubModel('hf://org/name', { environment })).rejects.toEqual(
      refused('FILE', /the hash [0-9a-f]{64} of model\.safetensors from the Hub but found/),
    );
    (await server).spoilt = undefined;
    expect(readdirSync(join(environment.HF_HUB_CACHE, 'models--org--name', 'blobs'))).toEqual([]);
  });

  test.each([
    'hf://name',
    'hf://datasets/org/name',
    'hf://org/na--me',
    'hf://org/..',
    'hf://org/name@..%2F..%2Fx',
    'hf://org/name/../x',
    'hf://org/name@main/a//b',
    `hf://org/${'x'.repeat(2048)}`,
  ])('%s', async (reference) => {
    await expect(hubModel(reference, { environment: await user() })).rejects.toEqual(refused('CONFIG', /^Expected /));
  });
});
