import type { Random } from '@radin/core';
import { TEXTS } from './bytes.js';
import { below, INTEGERS, lie, of, once, unsigned } from './choice.js';

/** A field of a message: its number, how it is written, and what is in it; fields of another message where that is known. */
export interface Field {
  number: number;
  wire: number;
  value: bigint | Buffer | Field[];
  /** What its length says that is not so. */
  length?: bigint;
}

/** Which fields are messages, and of what kind. */
type Kinds = Readonly<Record<string, Readonly<Record<number, string>>>>;

/** The messages of ONNX, by the numbers of onnx-ml.proto. */
export const ONNX: Kinds = {
  Model: { 7: 'Graph', 8: 'Opset', 14: 'Entry', 25: 'Function' },
  Function: { 7: 'Node', 9: 'Opset' },
  Graph: { 1: 'Node', 5: 'Tensor', 11: 'Value', 12: 'Value', 13: 'Value', 15: 'Sparse', 14: 'Annotation' },
  Node: { 5: 'Attribute' },
  Attribute: { 5: 'Tensor', 6: 'Graph', 10: 'Tensor', 11: 'Graph', 22: 'Sparse' },
  Tensor: { 3: 'Segment', 13: 'Entry' },
  Sparse: { 1: 'Tensor', 2: 'Tensor' },
  Value: { 2: 'Type' },
  Type: { 1: 'TensorType' },
  TensorType: { 2: 'Shape' },
  Shape: { 1: 'Dimension' },
};

function readVarint(bytes: Buffer, at: number): [value: bigint, next: number] {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = bytes[at++] as number;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return [value, at];
  }
}

/** The fields of a valid message. */
export function parseMessage(bytes: Buffer, kinds: Kinds, kind: string): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [tag, start] = readVarint(bytes, at);
    const number = Number(tag >> 3n);
    const wire = Number(tag & 7n);
    if (wire === 0) {
      const [value, next] = readVarint(bytes, start);
      fields.push({ number, wire, value });
      at = next;
      continue;
    }
    const [length, first] = wire === 2 ? readVarint(bytes, start) : [wire === 1 ? 8n : 4n, start];
    at = first + Number(length);
    const body = bytes.subarray(first, at);
    const inner = wire === 2 ? kinds[kind]?.[number] : undefined;
    fields.push({ number, wire, value: inner === undefined ? body : parseMessage(body, kinds, inner) });
  }
  return fields;
}

export function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.of(...bytes, Number(rest));
}

export function writeMessage(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(({ number, wire, value, length }) => {
      const tag = varint((BigInt(number) << 3n) | BigInt(wire));
      if (typeof value === 'bigint') return [tag, varint(value)];
      const body = Array.isArray(value) ? writeMessage(value) : value;
      return wire === 2 ? [tag, varint(length ?? BigInt(body.length)), body] : [tag, body];
    }),
  );
}

/** All lists of fields, each in the list of its parents. */
function messages(fields: Field[], found: Field[][] = []): Field[][] {
  found.push(fields);
  for (const { value } of fields) if (Array.isArray(value)) messages(value, found);
  return found;
}

function changedValue(random: Random, { value, wire }: Field): Field['value'] {
  if (typeof value === 'bigint') return lie(random, value);
  if (Array.isArray(value)) return once(random, 2) ? [] : Buffer.alloc(below(random, 40), below(random, 256));
  if (wire === 1 || wire === 5) return unsigned(of(random, INTEGERS), value.length);
  const texts = [...TEXTS, 'x', 'logits', 'weight', 'MatMul', 'a.bin', '/etc/passwd', '12', '-1', 'offset', 'length'];
  const cut = value.subarray(0, below(random, value.length + 1));
  return of(random, [
    Buffer.from(of(random, texts)),
    cut,
    Buffer.concat([value, Buffer.alloc(4)]),
    Buffer.concat([value, value]),
  ]);
}

/** Fields of a message that were changed, left out, repeated, moved elsewhere, nested in themselves, or whose length lies. */
export function messageMutant(random: Random, source: readonly Field[]): Buffer {
  const root = cloned(source);
  for (let left = 1 + below(random, 3); left > 0; left--) {
    const all = messages(root).filter((list) => list.length > 0);
    if (all.length === 0) break;
    const list = of(random, all);
    const at = below(random, list.length);
    const field = list[at] as Field;
    switch (below(random, 10)) {
      case 0:
        list.splice(at, 1);
        break;
      case 1:
        list.push(...cloned([field]));
        break;
      case 2:
        of(random, all).push(...cloned([field]));
        break;
      case 3:
        field.number = Number(lie(random, field.number) & 0x1fffffffn) || 1;
        break;
      case 4:
        if (once(random, 3)) field.wire = below(random, 8);
        else list.reverse();
        break;
      case 5:
        field.length = lie(random, Array.isArray(field.value) ? writeMessage(field.value).length : 4);
        break;
      case 6:
        if (Array.isArray(field.value)) field.value = [...field.value, { ...field, value: cloned(field.value) }];
        break;
      default:
        field.value = changedValue(random, field);
    }
  }
  return writeMessage(root);
}

function cloned(fields: readonly Field[]): Field[] {
  return fields.map((field) => ({
    ...field,
    value: Array.isArray(field.value) ? cloned(field.value) : field.value,
  }));
}
