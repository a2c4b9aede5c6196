import type { Random } from '@radin/core';
import { TEXTS } from './bytes.js';
import { below, lie, of, once, unsigned } from './choice.js';

/** One operation of a pickle, with its argument. */
export type Operation = Buffer;

export const op = (code: number | string, ...argument: readonly Uint8Array[]): Operation =>
  Buffer.concat([typeof code === 'number' ? Buffer.of(code) : Buffer.from(code, 'latin1'), ...argument]);

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

/** A program for a state dict and the storages that its tensors are in. */
export interface PickleProgram {
  readonly operations: readonly Operation[];
  readonly storages: ReadonlyMap<string, { readonly bytes: number; readonly booleans: boolean }>;
}

/** Writes programs as torch.save does, of any protocol and in any of the ways that pickles have to say the same. */
class Writer {
  readonly operations: Operation[] = [];
  readonly storages = new Map<string, { bytes: number; booleans: boolean }>();
  #memo = 0;

  constructor(
    readonly random: Random,
    readonly protocol: number,
  ) {}

  put(...operations: readonly Operation[]): void {
    this.operations.push(...operations);
  }

  /** Some values are remembered, as the pickler of Python does with each. */
  #remember(): void {
    if (once(this.random, 3)) return;
    if (this.protocol >= 4 && once(this.random, 2)) this.put(op(0x94));
    else
      this.put(
        this.#memo < 256 && once(this.random, 2)
          ? op('q', Buffer.of(this.#memo))
          : op('r', unsigned(BigInt(this.#memo), 4)),
      );
    this.#memo++;
  }

  text(value: string): void {
    const bytes = Buffer.from(value);
    if (this.protocol >= 4 && bytes.length < 256 && once(this.random, 2))
      this.put(op(0x8c, Buffer.of(bytes.length), bytes));
    else this.put(op('X', unsigned(BigInt(bytes.length), 4), bytes));
    this.#remember();
  }

  integer(value: number): void {
    if (value < 256 && once(this.random, 2)) this.put(op('K', Buffer.of(value)));
    else if (value < 65536 && once(this.random, 2)) this.put(op('M', unsigned(BigInt(value), 2)));
    else if (once(this.random, 2)) this.put(op('J', unsigned(BigInt(value), 4)));
    else this.put(op(0x8a, Buffer.of(8), unsigned(BigInt(value), 8)));
  }

  global(name: string): void {
    const [module = '', member = ''] = name.split('\n');
    if (this.protocol >= 4 && once(this.random, 2)) {
      this.text(module);
      this.text(member);
      this.put(op(0x93));
    } else this.put(op(`c${module}\n${member}\n`));
    this.#remember();
  }

  tuple(count: number, values: (at: number) => void): void {
    const short = count <= 3 && once(this.random, 2);
    if (!short) this.put(op('('));
    for (let at = 0; at < count; at++) values(at);
    this.put(short ? op(count === 0 ? ')' : 0x84 + count) : op('t'));
    this.#remember();
  }

  dict(entries: number, entry: (at: number) => void): void {
    const ordered = once(this.random, 2);
    if (ordered) {
      this.global('collections\nOrderedDict');
      this.put(op(')'), op('R'));
    } else this.put(op('}'));
    this.#remember();
    if (once(this.random, 2)) {
      this.put(op('('));
      for (let at = 0; at < entries; at++) entry(at);
      this.put(op('u'));
      return;
    }
    for (let at = 0; at < entries; at++) {
      entry(at);
      this.put(op('s'));
    }
  }

  tensor(): void {
    const { random } = this;
    const type = of(random, STORAGES);
    const shape = of(random, [[], [0], [1], [4], [2, 3], [3, 2, 1], [1, 2, 3, 2]]);
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
    const transposed = once(random, 4);
    const offset = once(random, 3) ? below(random, 3) : 0;
    const count =
      shape.reduce((product, size) => product * size, 1) + offset + (once(random, 4) ? below(random, 4) : 0);
    const key = String(this.storages.size);
    this.storages.set(key, { bytes: count * (BYTES[type] as number), booleans: type === 'Bool' });
    const parameter = once(random, 4);
    const differentiable = /Float|Double|Half/.test(type);
    if (parameter) this.global('torch._utils\n_rebuild_parameter');
    if (parameter) this.put(op('('));
    this.global('torch._utils\n_rebuild_tensor_v2');
    this.tuple(6, (at) => {
      if (at === 0) {
        this.tuple(5, (field) => {
          if (field === 1) this.global(`torch\n${type}Storage`);
          else if (field === 4) this.integer(count);
          else this.text(['storage', '', key, 'cpu'][field] as string);
        });
        this.put(op('Q'));
      } else if (at === 1) this.integer(offset);
      else if (at < 4) {
        const sizes = at === 2 ? shape : strides;
        const order = transposed ? [...sizes].reverse() : sizes;
        this.tuple(order.length, (axis) => this.integer(order[axis] as number));
      } else if (at === 4) this.put(op(0x89));
      else {
        this.global('collections\nOrderedDict');
        this.put(op(')'), op('R'));
      }
    });
    this.put(op('R'));
    if (!parameter) return;
    this.put(op(differentiable || once(random, 12) ? 0x88 : 0x89));
    this.global('collections\nOrderedDict');
    this.put(op(')'), op('R'), op('t'), op('R'));
  }

  /** Anything that pickles can hold, so deep at most. */
  value(depth: number): void {
    const { random } = this;
    const kind = below(random, depth > 0 ? 12 : 7);
    if (kind === 0) this.put(op('N'));
    else if (kind === 1) this.put(op(once(random, 2) ? 0x88 : 0x89));
    else if (kind === 2) this.integer(Number(lie(random, 3) & 0x7fffffffn));
    else if (kind === 3) this.text(of(random, TEXTS));
    else if (kind === 4) this.put(op('G', unsigned(lie(random, 1), 8)));
    else if (kind === 5) this.put(op(0x8a, Buffer.of(below(random, 9)), Buffer.alloc(8, 0xff)));
    else if (kind === 6) this.tensor();
    else if (kind === 7) this.tuple(below(random, 4), () => this.value(depth - 1));
    else if (kind === 8) {
      this.put(op(']'), op('('));
      for (let left = below(random, 4); left > 0; left--) this.value(depth - 1);
      this.put(op('e'));
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
  const writer = new Writer(random, protocol);
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
