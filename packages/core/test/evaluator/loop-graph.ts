import type { onnx } from '#onnx';
import { f32, linearGraph, node, type TensorData, toFloat, value, zeros } from '../pools.js';

const INT64 = 7 as never;
const BOOLEAN = { tensor_type: { elem_type: 9, shape: { dim: [] } } };
const bool = (name: string) => ({ name, type: BOOLEAN });

/**
 * A linear network whose logits go through a loop as many times as t (1 − t) 2⁶² says, where t is a weight: never where it is
 * 0 or 1, and without end in a soup of two such models.
 */
export function loopGraph(): onnx.GraphProto.$Properties {
  const linear = linearGraph(2, 2);
  const body = {
    name: 'body',
    input: [value('i', 'I64', []), bool('go'), value('in', 'F32', ['batch', 2])],
    output: [bool('go_on'), value('out', 'F32', ['batch', 2])],
    node: [node('Identity', ['go'], 'go_on'), node('Identity', ['in'], 'out')],
  };
  const scale = { ...zeros('scale', 'F32', []), raw_data: f32([], [2 ** 62]).bytes };
  return {
    ...linear,
    initializer: [...(linear.initializer ?? []), zeros('t', 'F32', []), scale],
    node: [
      node('MatMul', ['x', 'w'], 'product'),
      node('Add', ['product', 'b'], 'sum'),
      node('Mul', ['t', 't'], 'square'),
      node('Sub', ['t', 'square'], 'variance'),
      node('Mul', ['variance', 'scale'], 'float_trips'),
      { ...toFloat('float_trips', 'trips'), attribute: [{ name: 'to', type: 2, i: INT64 }] },
      { ...node('Loop', ['trips', '', 'sum'], 'logits'), attribute: [{ name: 'body', type: 5, g: body }] },
    ],
  };
}

/** A model of it that gives the inputs back, after the trips that `t` asks for. */
export function loopModel(t: number): Readonly<Record<string, TensorData>> {
  return { w: f32([2, 2], [1, 0, 0, 1]), b: f32([2], [0, 0]), t: f32([], [t]) };
}
