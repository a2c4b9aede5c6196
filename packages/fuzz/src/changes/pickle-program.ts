import type { Random } from '@radin/core';
import { TEXTS } from './bytes.js';
import { below, lie, of, once, unsigned } from './choice.js';
import { type Operation, op, PickleWriter } from './pickle-writer.js';

const STORAGES = [
  'Float',
  'Double',
  'Half',
  'BFloat16',
  'Long',
  'Int',
  'Short',
  'Char',
  'Byte',
  'Bool',
  'ComplexFloat',
];
const BYTES: Readonly<Record<string, number>> = {
  Float: 4,
  Double: 8,
  Half: 2,
  BFloat16: 2,
  Long: 8,
  Int: 4,
  Short: 2,
  Char: 1,
  Byte: 1,
  Bool: 1,
  ComplexFloat: 8,
};

const DTYPES: Readonly<Record<string, string>> = {
  Float: 'float32',
  Double: 'float64',
  Half: 'float16',
  BFloat16: 'bfloat16',
  Long: 'int64',
  Int: 'int32',
  Short: 'int16',
  Char: 'int8',
  Byte: 'uint8',
  Bool: 'bool',
  ComplexFloat: 'complex64',
};
/** Values that few checkpoints have: a long number, texts of Python 2, bytes, a type, a device. */
const ODD_VALUES: readonly Operation[] = [
  op(0x8b, unsigned(9n, 4), Buffer.alloc(9, 7)),
  op('U', Buffer.of(2), Buffer.from('ab')),
  op('T', unsigned(2n, 4), Buffer.from('ab')),
  op('C', Buffer.of(2), Buffer.from('ab')),
  op('B', unsigned(2n, 4), Buffer.from('ab')),
  op('ctorch\nfloat32\n'),
  op('ctorch\ndevice\n', op('X', unsigned(3n, 4), Buffer.from('cpu')), op(0x85), op('R')),
];

/** A program for a state dict and the storages that its tensors are in. */
export interface PickleProgram {
  readonly operations: readonly Operation[];
  readonly storages: ReadonlyMap<string, { readonly bytes: number; readonly booleans: boolean }>;
}

/** Writes checkpoints as torch.save does. */
class CheckpointWriter extends PickleWriter {
  readonly storages = new Map<string, { bytes: number; booleans: boolean }>();

  #emptyOrderedDict(): void {
    this.global('collections\nOrderedDict');
    this.put(op(')'), op('R'));
  }

  /** A tuple of integers, as a torch.Size now and then. */
  #sizes(sizes: readonly number[]): void {
    const named = once(this.random, 12);
    if (named) this.global('torch\nSize');
    this.tuple(sizes.length, (axis) => this.integer(sizes[axis] as number));
    if (named) this.put(op(0x85), op('R'));
  }

  /** A reference to numbers that are stored under a new key. @param type undefined where they are only bytes */
  #storage(type: string | undefined, count: number, stored: { bytes: number; booleans: boolean }): void {
    const key = String(this.storages.size);
    this.storages.set(key, stored);
    this.tuple(5, (field) => {
      if (field === 1) this.global(type === undefined ? 'torch.storage\nUntypedStorage' : `torch\n${type}Storage`);
      else if (field === 4) this.integer(count);
      else this.text(['storage', '', key, 'cpu'][field] as string);
    });
    this.put(op('Q'));
  }

  tensor(): void {
    const { random } = this;
    const type = of(random, STORAGES);
    const shape = of(random, [[], [0], [1], [4], [2, 3], [3, 2, 1], [1, 2, 3, 2]]);
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
    const transposed = once(random, 4);
    const [sizes, steps] = [shape, strides].map((list) => (transposed ? [...list].reverse() : [...list])) as [
      number[],
      number[],
    ];
    // One number that stands for as many as are asked for, or for more than anyone has.
    const expanded = once(random, 12);
    if (expanded) {
      sizes.push(of(random, [2, 100, 10_000, 2 ** 31 - 1]));
      steps.push(0);
    }
    const offset = once(random, 3) ? below(random, 3) : 0;
    const count =
      shape.reduce((product, size) => product * size, 1) + offset + (once(random, 4) ? below(random, 4) : 0);
    const stored = { bytes: count * (BYTES[type] as number), booleans: type === 'Bool' };
    const parameter = once(random, 4);
    if (parameter) this.global('torch._utils\n_rebuild_parameter');
    if (parameter) this.put(op('('));
    const dtype = once(random, 12) ? DTYPES[type] : undefined;
    this.global(`torch._utils\n_rebuild_tensor_v${dtype === undefined ? 2 : 3}`);
    this.tuple(dtype === undefined ? 6 : 7, (at) => {
      if (at === 0)
        this.#storage(dtype === undefined ? type : undefined, dtype === undefined ? count : stored.bytes, stored);
      else if (at === 1) this.integer(offset);
      else if (at < 4) this.#sizes(at === 2 ? sizes : steps);
      else if (at === 4) this.put(op(0x89));
      else if (at === 5) this.#emptyOrderedDict();
      else this.global(`torch\n${dtype}`);
    });
    this.put(op('R'));
    if (!parameter) return;
    const differentiable = /Float|Double|Half/.test(type);
    this.put(op(differentiable || once(random, 12) ? 0x88 : 0x89));
    this.#emptyOrderedDict();
    this.put(op('t'), op('R'));
  }

  /** Anything that pickles can hold, so deep at most. */
  value(depth: number): void {
    const { random } = this;
    const kind = below(random, depth > 0 ? 13 : 8);
    if (kind === 0) this.put(op('N'));
    else if (kind === 1) this.put(op(once(random, 2) ? 0x88 : 0x89));
    else if (kind === 2) this.integer(Number(lie(random, 3) & 0x7fffffffn));
    else if (kind === 3) this.text(of(random, TEXTS));
    else if (kind === 4) this.put(op('G', unsigned(lie(random, 1), 8)));
    else if (kind === 5) this.put(op(0x8a, Buffer.of(below(random, 9)), Buffer.alloc(8, 0xff)));
    else if (kind === 6) this.tensor();
    else if (kind === 7) this.put(of(random, ODD_VALUES));
    else if (kind === 8) this.tuple(below(random, 4), () => this.value(depth - 1));
    else if (kind === 9) {
      const [empty, fill] = of(random, [
        [']', 'e'],
        [0x8f, 0x90],
      ] as const);
      this.put(op(empty), op('('));
      for (let left = below(random, 4); left > 0; left--) this.value(depth - 1);
      this.put(op(fill));
    } else this.state(below(random, 4), depth - 1);
  }

  /** A dict by texts. */
  state(entries: number, depth: number): void {
    this.dict(entries, (at) => {
      this.text(once(this.random, 12) ? of(this.random, TEXTS) : `layer.${at}.weight`);
      if (depth > 0 && once(this.random, 4)) this.value(depth - 1);
      else this.tensor();
    });
  }
}

/** The protocol, and from the fourth on often a frame around all that follows. */
function beginning(random: Random, protocol: number, following: readonly Operation[]): Operation[] {
  const version = op(0x80, Buffer.of(protocol));
  if (protocol < 4 || once(random, 3)) return [version];
  const length = following.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return [version, op(0x95, unsigned(once(random, 6) ? lie(random, length) : BigInt(length), 8))];
}

/** A program as a checkpoint has it: a state dict, alone or among other things. */
export function program(random: Random): PickleProgram {
  const protocol = 2 + below(random, 4);
  const writer = new CheckpointWriter(random, protocol);
  const within = once(random, 4);
  if (within) {
    writer.dict(2, (at) => {
      writer.text(at === 0 ? 'state_dict' : 'epoch');
      if (at === 0) writer.state(1 + below(random, 3), 0);
      else writer.value(2);
    });
  } else writer.state(1 + below(random, 4), once(random, 6) ? 2 : 0);
  writer.put(op('.'));
  return {
    operations: [...beginning(random, protocol, writer.operations), ...writer.operations],
    storages: writer.storages,
  };
}
