import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { onnx } from '#onnx';
import { checkOperators, readOnnx } from '../../src/formats/index.js';
import { linearGraph, node, refused, temporaryFolder } from '../files.js';

const folder = temporaryFolder();
let files = 0;

type Nodes = onnx.NodeProto.$Properties[];
type Functions = onnx.FunctionProto.$Properties[];

async function check(nodes: Nodes, functions: Functions = []): Promise<void> {
  const path = join(folder, `${files++}.onnx`);
  const graph = { name: 'g', ...linearGraph(2, 2), node: nodes };
  writeFileSync(path, onnx.ModelProto.encode({ graph, functions }).finish());
  checkOperators(await readOnnx(path));
}

const of = (domain: string, op_type: string): onnx.NodeProto.$Properties => ({
  ...node(op_type, ['x'], 'y'),
  domain,
  name: 'n1',
});
const bodyOf = (nodes: Nodes) => ({ name: 'body', type: 5, g: { node: nodes } });
const within = (nodes: Nodes) => ({ ...node('If', ['x'], 'y'), attribute: [bodyOf(nodes)] });
const nested = (depth: number): Nodes => (depth === 0 ? [node('Relu', ['x'], 'y')] : [within(nested(depth - 1))]);
const functionOf = (name: string, nodes: Nodes, domain = 'mine') => ({ domain, name, node: nodes });

test.each<[string, Nodes, Functions?]>([
  [
    'ONNX, by either name of its domain',
    [of('', 'Gemm'), of('ai.onnx', 'Conv'), of('ai.onnx.ml', 'TreeEnsembleRegressor')],
  ],
  ['ONNX Runtime that are fused', [of('com.microsoft', 'FusedMatMul'), of('com.microsoft', 'SkipLayerNormalization')]],
  ['graphs in graphs', nested(30)],
  [
    'functions of the model',
    [of('mine', 'F')],
    [functionOf('F', [of('mine', 'G')]), functionOf('G', [of('', 'Relu')])],
  ],
])('operators of %s may be run', async (_, nodes, functions) => {
  await check(nodes, functions);
});

describe('a graph is refused that has', () => {
  test.each<[string, Nodes, RegExp, Functions?]>([
    [
      'an operator of another domain',
      [of('evil', 'Shell')],
      /without opening .* found evil\.Shell in .*\.onnx, node "n1"$/,
    ],
    ['one of ONNX Runtime that opens files', [of('com.microsoft', 'EPContext')], /found com\.microsoft\.EPContext in/],
    ['one that is random', [of('', 'RandomNormalLike')], /same result each time but found RandomNormalLike in/],
    ['one in a graph of a graph', [within([within([of('', 'PyOp')])])], /found PyOp in/],
    ['one in a function', [of('mine', 'F')], /found x\.Y in/, [functionOf('F', [within([of('x', 'Y')])])]],
    [
      'one under the name of a function',
      [of('com.microsoft', 'EPContext')],
      /EPContext/,
      [functionOf('EPContext', [], 'com.microsoft')],
    ],
    ['one that would change a terminal', [of('', '\u001b[2J')], /found \\u\{1b\}\[2J in/],
    [
      'functions that are too deep',
      [of('mine', 'F33')],
      /at most 32 graphs and functions in one another but found more/,
      Array.from({ length: 34 }, (_, level) =>
        functionOf(`F${level}`, [level === 0 ? of('', 'Relu') : of('mine', `F${level - 1}`)]),
      ),
    ],
    [
      'a function that calls itself',
      [of('mine', 'F')],
      /do not call themselves but found mine\.F/,
      [functionOf('F', [of('mine', 'F')])],
    ],
    [
      'functions that unfold to too much',
      [of('mine', 'F7')],
      /at most 1000000 nodes but found more/,
      [0, 1, 2, 3, 4, 5, 6, 7].map((level) =>
        functionOf(`F${level}`, Array(10).fill(level === 0 ? of('', 'Relu') : of('mine', `F${level - 1}`))),
      ),
    ],
  ])('%s', async (_, nodes, message, functions) => {
    await expect(check(nodes, functions)).rejects.toEqual(refused('GRAPH', message));
  });
});
