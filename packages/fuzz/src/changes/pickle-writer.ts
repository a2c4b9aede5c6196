import type { Random } from '@radin/core';
import { once, unsigned } from './choice.js';

/** One operation of a pickle, with its argument. */
export type Operation = Buffer;

export const op = (code: number | string, ...argument: readonly Uint8Array[]): Operation =>
  Buffer.concat([typeof code === 'number' ? Buffer.of(code) : Buffer.from(code, 'latin1'), ...argument]);

/** Writes programs of any protocol, in any of the ways that pickles have to say the same. */
export class PickleWriter {
  readonly operations: Operation[] = [];
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

  /** @param entry puts a key and a value */
  dict(entries: number, entry: (at: number) => void): void {
    const ordered = once(this.random, 2);
    if (ordered) this.global('collections\nOrderedDict');
    if (ordered && once(this.random, 8)) {
      // Of a list of pairs, as protocols before 2 have it.
      this.put(op(']'), op('('));
      for (let at = 0; at < entries; at++) {
        entry(at);
        this.put(op(0x86));
      }
      this.put(op('e'), op(0x85), op('R'));
      return;
    }
    this.put(...(ordered ? [op(')'), op('R')] : [op('}')]));
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
}
