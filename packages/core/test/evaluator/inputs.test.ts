import { describe, expect, test } from 'vitest';
import { widens } from '../../src/evaluator/tensor-types.js';
import { type Dtype, dtypeBytes } from '../../src/formats/index.js';
import type { Checkpoint } from '../../src/pool/index.js';
import { f32, linearGraph, node, refused, temporaryFolder, tensor, toFloat, value } from '../pools.js';
import { inputsOf, openEvaluator } from './opened.js';

const folder = temporaryFolder();
const model = { w: f32([2, 2], [1, 0, 0, 1]), b: f32([2], [0, 0.5]) };

/** The linear network on inputs of another dtype, which it converts itself. */
function graphOf(dtype: Dtype) {
  const linear = linearGraph(2, 2);
  const nodes = [toFloat('raw', 'x'), ...(linear.node ?? [])];
  return { ...linear, input: [value('raw', dtype, ['batch', 2])], node: nodes };
}

const ARRAYS: Readonly<Record<string, (values: readonly number[]) => ArrayBufferView>> = {
  BOOL: (values) => Uint8Array.from(values),
  U8: (values) => Uint8Array.from(values),
  I8: (values) => Int8Array.from(values),
  U16: (values) => Uint16Array.from(values),
  I16: (values) => Int16Array.from(values),
  I32: (values) => Int32Array.from(values),
  U32: (values) => Uint32Array.from(values),
  F32: (values) => Float32Array.from(values),
};

describe('inputs are widened where the graph’s dtype holds them exactly', () => {
  test.each<[Dtype, Dtype, readonly number[]]>([
    ['U8', 'F32', [0, 255, 7, 128]],
    ['I8', 'F32', [-128, 127, 0, -1]],
    ['U16', 'F32', [0, 65535, 1, 2]],
    ['BOOL', 'F32', [0, 1, 1, 0]],
    ['U8', 'I32', [0, 255, 7, 128]],
    ['I16', 'I32', [-32768, 32767, 0, 1]],
    ['U8', 'I64', [0, 255, 7, 128]],
    ['I32', 'I64', [-(2 ** 24), 2 ** 24, 0, 1]],
    ['I32', 'F64', [-(2 ** 24), 2 ** 24, 0, 1]],
    ['F32', 'F64', [-0.5, 2 ** 24, 0.25, 1]],
    ['U8', 'F16', [0, 255, 7, 128]],
  ])('%s to %s', async (from, to, values) => {
    const { evaluator, models } = await openEvaluator(folder, graphOf(to), [model]);
    const inputs = inputsOf(tensor(from, [2, 2], (ARRAYS[from] as (typeof ARRAYS)[string])(values)));
    const { values: logits } = await evaluator.logits(models[0] as Checkpoint, inputs);
    const [a, b, c, d] = values as [number, number, number, number];
    expect([...logits]).toEqual([a, b + 0.5, c, d + 0.5].map(Math.fround));
  });

  test('F16 to F32', async () => {
    const { evaluator, models } = await openEvaluator(folder, linearGraph(2, 2), [model]);
    const inputs = inputsOf(tensor('F16', [1, 2], Uint16Array.of(0x3c00, 0xc000)));
    expect([...(await evaluator.logits(models[0] as Checkpoint, inputs)).values]).toEqual([1, -1.5]);
  });

  const NUMBERS: readonly Dtype[] = ['U8', 'I8', 'U16', 'I16', 'U32', 'I32', 'U64', 'I64', 'F16', 'F32', 'F64'];

  /** Bits that a value's magnitude may need, and that the dtype holds exactly. */
  const precision: Partial<Record<Dtype, number>> = { F16: 11, F32: 24, F64: 53 };
  const bits = (dtype: Dtype) => precision[dtype] ?? 8 * dtypeBytes(dtype) - (dtype.startsWith('I') ? 1 : 0);

  test.each(NUMBERS)('and to no dtype that cannot hold every %s', (from) => {
    for (const to of NUMBERS) {
      const isUnsigned = (dtype: Dtype) => dtype.startsWith('U');
      const [isFloat, toFloats] = [from in precision, to in precision];
      const loses = bits(from) > bits(to) || (isFloat && !toFloats) || (isUnsigned(to) && !isUnsigned(from));
      if (loses) expect(widens(from, to), `${from} to ${to}`).toBe(false);
    }
  });
});

describe('inputs that do not fit are refused, naming both sides:', () => {
  test.each<[string, ReturnType<typeof tensor>, RegExp]>([
    [
      'a dtype that loses digits',
      tensor('I32', [1, 2], Int32Array.of(1, 2)),
      /dtype F32.*input "x" but found I32 in inputs\.npy/,
    ],
    ['float64 for float32', tensor('F64', [1, 2], Float64Array.of(1, 2)), /dtype F32.* found F64/],
    ['other features', f32([1, 3], [1, 2, 3]), /shape \[batch, 2\] .*"x" but found \[1, 3\] in inputs\.npy/],
    ['another rank', f32([1, 2, 1], [1, 2]), /shape \[batch, 2\] .* found \[1, 2, 1\]/],
  ])('%s', async (_, data, message) => {
    const { evaluator, models } = await openEvaluator(folder, linearGraph(2, 2), [model]);
    await expect(evaluator.logits(models[0] as Checkpoint, inputsOf(data))).rejects.toEqual(refused('DATA', message));
    const labels = { path: 'labels.npy', values: Int32Array.of(0) };
    expect(() => evaluator.check({ name: 'test', inputs: inputsOf(data), labels, samples: 1 })).toThrow(
      refused('DATA', message),
    );
  });

  test('labels that the graph has no class for, before a model runs', async () => {
    const { evaluator } = await openEvaluator(folder, linearGraph(2, 2), [model]);
    const labels = { path: 'labels.npy', values: Int32Array.of(1, 2) };
    const inputs = inputsOf(f32([2, 2], [1, 2, 3, 4]));
    expect(() => evaluator.check({ name: 'test', inputs, labels, samples: 2 })).toThrow(
      refused('DATA', /found 2 .* row 1/),
    );
  });
});

describe('a graph that cannot be used is refused in one line:', () => {
  const linear = linearGraph(2, 2);
  const second = value('embedding', 'F32', ['batch', 2]);
  test.each<[string, ReturnType<typeof linearGraph>, RegExp]>([
    [
      'two outputs',
      { ...linear, output: [...(linear.output ?? []), second] },
      /one output but found "logits", "embedding" .*name the one/,
    ],
    ['no input', { ...linear, input: [] }, /an input besides the weights but found none/],
    [
      'logits of another rank',
      { ...linear, output: [value('logits', 'F32', ['batch', 2, 1])] },
      /shape \[batch, classes\] but found \[batch, 2, 1\] .*"logits"/,
    ],
    [
      'an operator that does not exist',
      { ...linear, node: [node('NoSuchOperator', ['x', 'w', 'b'], 'logits')] },
      /can run without .* found NoSuchOperator in .*graph\.onnx, the node of "logits"/,
    ],
    [
      'an operator that is given too much',
      { ...linear, node: [node('Relu', ['x', 'w', 'b'], 'logits')] },
      /ONNX Runtime can run but found .*graph\.onnx: .*Relu/,
    ],
    ['a batch of no samples', linearGraph(2, 2, 0), /.*/],
  ])('%s', async (_, graph, message) => {
    const opened = openEvaluator(folder, graph, [model]);
    await expect(opened).rejects.toEqual(refused('GRAPH', message));
    await expect(opened).rejects.toEqual(refused('GRAPH', /^\P{Cc}+$/u));
  });

  test('weights that ONNX Runtime takes from no one', async () => {
    const bf16 = { w: tensor('BF16', [2, 2], new Uint16Array(4)), b: tensor('BF16', [2], new Uint16Array(2)) };
    const opened = openEvaluator(folder, linearGraph(2, 2, 'batch', 'BF16'), [bf16]);
    await expect(opened).rejects.toEqual(refused('GRAPH', /BF16 in .*tensor "w"/));
  });

  test('a name that no output has', async () => {
    const opened = openEvaluator(folder, linear, [model], { threads: 1, output: 'none' });
    await expect(opened).rejects.toEqual(refused('GRAPH', /output "none" but found "logits" in/));
  });
});

test('of several outputs the one that is named has the logits', async () => {
  const linear = linearGraph(2, 2);
  const output = [value('product', 'F32', ['batch', 2]), ...(linear.output ?? [])];
  const inputs = inputsOf(f32([1, 2], [3, 4]));
  for (const [name, expected] of [
    ['logits', [3, 4.5]],
    ['product', [3, 4]],
  ] as const) {
    const { evaluator, models } = await openEvaluator(folder, { ...linear, output }, [model], {
      threads: 1,
      output: name,
    });
    expect([...(await evaluator.logits(models[0] as Checkpoint, inputs)).values]).toEqual(expected);
  }
});
