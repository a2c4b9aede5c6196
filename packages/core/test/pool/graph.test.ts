import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { readOnnx } from '../../src/formats/index.js';
import {
  alignCheckpoints,
  closeCheckpoints,
  FileCheckpoint,
  graphNames,
  graphProblems,
  openCheckpoints,
  Pool,
  tieEqualTensors,
  unsuppliedInitializers,
} from '../../src/pool/index.js';
import { dictPickle, tensorPickle, writePyTorch } from '../formats/pytorch-files.js';
import {
  f32,
  linearGraph,
  refused,
  type TensorData,
  temporaryFolder,
  tensor,
  writeGraph,
  writeModel,
  zeros,
} from '../pools.js';

const folder = temporaryFolder();
const opened: FileCheckpoint[] = [];
afterEach(() => closeCheckpoints(opened.splice(0)));

let files = 0;
async function open(tensors: Record<string, TensorData>): Promise<FileCheckpoint> {
  const models = await openCheckpoints([await writeModel(join(folder, `m${files++}.safetensors`), tensors)]);
  opened.push(...models);
  return models[0] as FileCheckpoint;
}

const path = join(folder, 'graph.onnx');
const linear = linearGraph(2, 3);
const graph = readOnnx(writeGraph(path, linear));
const W = f32([2, 3], [1, 2, 3, 4, 5, 6]);
const B = f32([3], [1, 2, 3]);

describe('a model that fits the graph', () => {
  test('has its initializers, in any order, and may lack some', async () => {
    expect(graphProblems(await graph, await open({ b: B, w: W }))).toEqual([]);
    expect(graphProblems(await graph, await open({ w: W }))).toEqual([]);
  });

  test('may have integer buffers that the graph does not know', async () => {
    const counter = tensor('I64', [], BigInt64Array.of(100n));
    expect(graphProblems(await graph, await open({ w: W, b: B, 'bn.num_batches_tracked': counter }))).toEqual([]);
  });
});

describe('a weight that layers share', () => {
  const shared = tensorPickle({ shape: [2, 3] });
  const poolOf = async (...names: string[]) => {
    const path = writePyTorch(dictPickle(Object.fromEntries(names.map((name) => [name, shared]))));
    const checkpoint = await FileCheckpoint.open('m', path);
    opened.push(checkpoint);
    return new Pool([checkpoint]);
  };

  test('may have names that the graph lacks, where a file says that they are one', async () => {
    const pool = await poolOf('w', 'head');
    pool.checkGraph(await graph);
    expect(pool.checkpoints[0]?.tied?.('head')).toEqual(['w']);
  });

  test('may have two names in a file that does not say so, such as a soup, if its numbers are equal in every model', async () => {
    const equal = await open({ w: W, b: B, head: W });
    const other = await open({ w: W, b: B, head: f32([2, 3], [1, 2, 3, 4, 5, 7]) });
    const model = await graph;
    await tieEqualTensors(model, [equal, other]);
    expect(graphProblems(model, equal)).toEqual([]);
    expect(graphProblems(model, other)).toMatchObject([{ message: expect.stringContaining('initializer "head"') }]);
  });

  test('has one type under both names where the graph has a wider one', async () => {
    const half = tensor('F16', [2, 3], Uint16Array.of(1, 2, 3, 4, 5, 6));
    const checkpoint = await open({ w: half, b: B, head: half });
    const model = await graph;
    await tieEqualTensors(model, [checkpoint]);
    const [aligned] = alignCheckpoints([checkpoint], { graph: model }).checkpoints;
    expect(aligned?.tensors.map(({ dtype }) => dtype)).toEqual(['F32', 'F32', 'F32']);
    expect(graphProblems(model, aligned as FileCheckpoint)).toEqual([]);
  });

  test('does not hide the prefix of the names', async () => {
    const checkpoint = await open({ '_orig_mod.w': W, '_orig_mod.b': B, '_orig_mod.head': W });
    const model = await graph;
    await tieEqualTensors(model, [checkpoint]);
    const names = graphNames(model, [checkpoint], undefined);
    expect(names.of('_orig_mod.b')).toBe('b');
    expect(graphProblems(model, checkpoint, names)).toEqual([]);
  });

  test('must have one of these names in the graph', async () => {
    const pool = await poolOf('v', 'head');
    const model = await graph;
    expect(() => pool.checkGraph(model)).toThrow(refused('POOL', /initializer "head" in the graph/));
  });
});

describe('a model that does not fit the graph is named with it:', () => {
  test.each<[string, Record<string, TensorData>, RegExp]>([
    [
      'a weight that it does not have',
      { w: W, v: B },
      /initializer "v" in the graph .*graph\.onnx because the model m\d+ .* found none/,
    ],
    [
      'another shape',
      { w: f32([3, 2], [1, 2, 3, 4, 5, 6]), b: B },
      /"w" of model m\d+ to be F32 \[2, 3\] .*graph\.onnx but found F32 \[3, 2\]/,
    ],
    [
      'another dtype',
      { w: W, b: tensor('F16', [3], new Uint16Array(3)) },
      /"b" of model m\d+ to be F32 \[3\] .*graph\.onnx but found F16 \[3\]/,
    ],
  ])('%s', async (_, tensors, message) => {
    const pool = new Pool([await open(tensors)]);
    const model = await graph;
    expect(() => pool.checkGraph(model)).toThrow(refused('POOL', message));
  });
});

describe('an initializer that no model has', () => {
  test('is listed where it could be a weight: floats that are no scalars', async () => {
    const initializer = [...(linear.initializer ?? []), zeros('epsilon', 'F32', []), zeros('axes', 'I64', [2])];
    const larger = await readOnnx(writeGraph(join(folder, 'larger.onnx'), { ...linear, initializer }));
    expect(unsuppliedInitializers(larger, [await open({ w: W, b: B })])).toEqual([]);
    expect(unsuppliedInitializers(larger, [await open({ w: W })])).toEqual(['b']);
  });
});
