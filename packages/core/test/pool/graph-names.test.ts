import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type OnnxModel, readOnnx } from '../../src/formats/index.js';
import { type Checkpoint, graphNames } from '../../src/pool/index.js';
import { linearGraph, refused, temporaryFolder, writeGraph, zeros } from '../files.js';

const folder = temporaryFolder();
const linear = linearGraph(2, 3);

function graphOf(names: Readonly<Record<string, readonly number[]>>): Promise<OnnxModel> {
  const initializer = Object.entries(names).map(([name, shape]) => zeros(name, 'F32', shape));
  return readOnnx(writeGraph(join(folder, 'graph.onnx'), { ...linear, initializer }));
}

function model(shapes: Readonly<Record<string, readonly number[]>>, integers: readonly string[] = []): Checkpoint {
  return {
    id: 'm',
    tensors: [
      ...Object.entries(shapes).map(([name, shape]) => ({ name, dtype: 'F32' as const, shape, byteLength: 4 })),
      ...integers.map((name) => ({ name, dtype: 'I64' as const, shape: [], byteLength: 8 })),
    ],
    read: () => Promise.reject(new Error('names need no values')),
  };
}

const W = [2, 3];
const B = [3];

describe('names of the graph', () => {
  test('are the models’ own where they fit', async () => {
    const names = graphNames(await graphOf({ w: W, b: B }), [model({ w: W, b: B })], undefined);
    expect(names.of('w')).toBe('w');
    expect(names.notice).toBeUndefined();
  });

  test('lack the one prefix that all models have', async () => {
    const models = [model({ 'module.w': W, 'module.b': B }, ['module.n']), model({ 'module.w': W })];
    const names = graphNames(await graphOf({ w: W, b: B }), models, undefined);
    expect(['module.w', 'module.b', 'module.n'].map(names.of)).toEqual(['w', 'b', 'n']);
    expect(names.notice).toMatch(/with the prefix "module\.": "module\.w" is taken for "w"/);
  });

  test('have one prefix that no model has', async () => {
    const names = graphNames(await graphOf({ 'model.w': W, 'model.b': B }), [model({ w: W, b: B })], undefined);
    expect(names.of('b')).toBe('model.b');
    expect(names.notice).toMatch(/without the prefix "model\."/);
  });

  test.each<[string, Record<string, readonly number[]>, Record<string, readonly number[]>]>([
    ['one tensor would not fit', { w: W, b: B }, { 'module.w': W, 'module.b': B, 'module.c': B }],
    ['a shape would differ', { w: W, b: B }, { 'module.w': W, 'module.b': W }],
    ['it is no whole part of a name', { w: W, b: B }, { xw: W, xb: B }],
    ['only some have the prefix', { w: W, b: B }, { w: W, 'module.b': B }],
  ])('are left alone where %s', async (_, graph, tensors) => {
    const names = graphNames(await graphOf(graph), [model(tensors)], undefined);
    for (const name of Object.keys(tensors)) expect(names.of(name)).toBe(name);
  });

  test('are asked for where two prefixes fit', async () => {
    const graph = await graphOf({ w: W, 'b.a.w': W });
    expect(() => graphNames(graph, [model({ 'a.w': W })], undefined)).toThrow(
      refused('CONFIG', /two that fit: .*prefix "a\." or .*prefix "b\."; choose with rename/),
    );
    expect(graphNames(graph, [model({ 'a.w': W })], { 'a.': '' }).of('a.w')).toBe('w');
  });

  test('are what rename says: whole names first, then the longest beginning', async () => {
    const tensors = { 'a.b.w': W, 'a.w': W, 'a.special': W, plain: W };
    const names = graphNames(await graphOf({ w: W }), [model(tensors)], {
      'a.': 'one.',
      'a.b.': 'two.',
      'a.special': 'head',
      plain: 'flat',
    });
    expect(Object.keys(tensors).map(names.of)).toEqual(['two.w', 'one.w', 'head', 'flat']);
    expect(graphNames(await graphOf({ w: W }), [model({ w: W })], { '': 'model.' }).of('w')).toBe('model.w');
  });

  test('are refused where rename makes two one, or names nothing', async () => {
    const graph = await graphOf({ w: W });
    const twice = { 'a.w': W, w: W };
    expect(() => graphNames(graph, [model(twice)], { 'a.': '' })).toThrow(
      refused('CONFIG', /"w" for both "a\.w" and "w" of model m/),
    );
    expect(() => graphNames(graph, [model({ w: W })], { 'module.': '' })).toThrow(
      refused('CONFIG', /a tensor whose name begins with "module\.".* found none/),
    );
    expect(() => graphNames(graph, [model({ w: W })], { v: 'w' })).toThrow(refused('CONFIG', /a tensor called "v"/));
  });
});
