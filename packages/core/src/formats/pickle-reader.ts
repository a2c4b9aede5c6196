import { quote } from '../errors/index.js';
import { failFormat } from './format-error.js';
import { PickleBytes } from './pickle-bytes.js';
import {
  describeValue,
  PICKLE_BYTES,
  PickleDict,
  PickleGlobal,
  PickleList,
  PickleProblem,
  PickleTuple,
  type PickleValue,
  type PickleVocabulary,
  refuse,
} from './pickle-values.js';

/** Containers, their items, texts and places of the memo: what 50,000 tensors need. */
const MOST_OBJECTS = 2 ** 21;

/** A dict takes as much memory as so many other objects. */
const DICT_COST = 5;

const DEEPEST_STACK = 2 ** 20;
const LONGEST_NUMBER = 255;
const NEWEST_PROTOCOL = 5;
const PROTO = 0x80;
const STOP = 0x2e;

/**
 * Reads a pickle of protocol 2 to 5 as data: a stack machine that makes values, and looks names up in `vocabulary` only. No recursion,
 * and values are shared and never copied, so time and memory grow with the bytes, whatever they say: at most 2^21 objects.
 * @param where the file, for errors
 * @throws RadinError `FORMAT` for anything else than a whole pickle of what the vocabulary has
 */
export function readPickle(bytes: Uint8Array, vocabulary: PickleVocabulary, where: string): PickleValue {
  const machine = new Machine(bytes, vocabulary);
  try {
    return machine.run();
  } catch (error) {
    if (!(error instanceof PickleProblem)) throw error;
    return failFormat(error.expected, error.found, `${where}, byte ${machine.input.at} of its pickle`);
  }
}

class Machine {
  readonly input: PickleBytes;
  readonly vocabulary: PickleVocabulary;
  readonly memo: PickleValue[] = [];
  readonly #stack: PickleValue[] = [];
  readonly #marks: number[] = [];
  #objects = 0;

  constructor(bytes: Uint8Array, vocabulary: PickleVocabulary) {
    this.input = new PickleBytes(bytes);
    this.vocabulary = vocabulary;
  }

  run(): PickleValue {
    if (this.input.uint8() !== PROTO) refuse('a pickle of protocol 2 or newer', 'something else');
    this.input.at = 0;
    for (let code = this.input.uint8(); code !== STOP; code = this.input.uint8()) {
      const operation = OPERATIONS[code];
      if (operation === undefined) refuse('operations that pickles of tensors have', `0x${code.toString(16)}`);
      operation(this);
    }
    return this.pop();
  }

  push(value: PickleValue): void {
    if (this.#stack.length >= DEEPEST_STACK) refuse(`a stack of at most ${DEEPEST_STACK} values`, 'more');
    this.#stack.push(value);
  }

  /** Pushes what takes memory of its own. */
  pushNew(value: PickleValue): void {
    this.spend(1);
    this.push(value);
  }

  /** Bytes of a pickle say nothing of weights: they are stepped over. */
  pushBytes(length: number): void {
    this.input.take(length);
    this.push(PICKLE_BYTES);
  }

  pushTuple(items: readonly PickleValue[]): void {
    this.spend(1 + items.length);
    this.push(new PickleTuple(items));
  }

  pushList(items: readonly PickleValue[]): void {
    this.pushNew(new PickleList());
    this.append(items);
  }

  pushDict(pairs: readonly PickleValue[]): void {
    this.spend(DICT_COST);
    this.push(new PickleDict());
    this.setItems(pairs);
  }

  spend(objects: number): void {
    this.#objects += objects;
    if (this.#objects > MOST_OBJECTS) refuse(`at most ${MOST_OBJECTS} objects`, 'more');
  }

  pop(): PickleValue {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) refuse('a value on the stack', 'none');
    return this.#stack.pop() as PickleValue;
  }

  top(): PickleValue {
    const value = this.pop();
    this.#stack.push(value);
    return value;
  }

  mark(): void {
    if (this.#marks.length >= DEEPEST_STACK) refuse(`at most ${DEEPEST_STACK} marks`, 'more');
    this.#marks.push(this.#stack.length);
  }

  /** The values above the last mark. */
  popMarked(): PickleValue[] {
    const start = this.#marks.pop();
    if (start === undefined) refuse('a mark on the stack', 'none');
    return this.#stack.splice(start);
  }

  popLast(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  remember(index: number): void {
    // Every pickler counts its places; an array that is filled in turn has no holes to pay for.
    if (index > this.memo.length) refuse(`place ${this.memo.length} of the memo to be next`, `${index}`);
    if (index === this.memo.length) this.spend(1);
    this.memo[index] = this.top();
  }

  recall(index: number): void {
    const value = this.memo[index];
    if (value === undefined) refuse(`value ${index} of the memo`, 'none');
    this.push(value);
  }

  append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (!(list instanceof PickleList)) refuse('a list to append to', describeValue(list));
    this.spend(items.length);
    for (const item of items) list.items.push(item);
  }

  setItems(pairs: readonly PickleValue[]): void {
    const dict = this.top();
    if (!(dict instanceof PickleDict)) refuse('a dict to fill', describeValue(dict));
    fill(dict, pairs);
    this.spend(pairs.length / 2);
  }

  pushGlobal(name: string): void {
    this.push(this.global(name));
  }

  global(name: string): PickleGlobal {
    const global = this.vocabulary.global(name);
    return global ?? refuseName(`the global ${quote(name)}, which is not called,`);
  }

  reduce(): void {
    const [callable, args] = this.popLast(2) as [PickleValue, PickleValue];
    if (!(args instanceof PickleTuple)) refuse('a tuple of arguments', describeValue(args));
    const build = callable instanceof PickleGlobal ? callable.build : undefined;
    if (build === undefined) refuse('something that can be called', describeValue(callable));
    const value = build(args.items);
    this.spend(value instanceof PickleDict ? DICT_COST + value.entries.size : 1);
    this.push(value);
  }

  /** State that a value is given once it is made: only the attributes of an OrderedDict, which say nothing of weights. */
  build(): void {
    this.pop();
    const value = this.top();
    if (!(value instanceof PickleDict)) refuse('state of dicts only', `state of ${describeValue(value)}`);
  }
}

function fill(dict: PickleDict, pairs: readonly PickleValue[]): void {
  if (pairs.length % 2 !== 0) refuse('keys and values', 'a key without a value');
  for (let at = 0; at < pairs.length; at += 2) {
    const key = pairs[at] as PickleValue;
    if (dict.entries.has(key)) {
      refuse('each key of a dict once', `${typeof key === 'string' ? quote(key) : describeValue(key)} twice`);
    }
    dict.entries.set(key, pairs[at + 1] as PickleValue);
  }
}

function refuseName(found: string): never {
  refuse('only tensors and plain values, as torch.save(model.state_dict(), FILE) writes them,', found);
}

/** Making an object of a class, in any of the ways that pickles have for it. */
function refuseInstance(of: PickleValue | undefined): never {
  refuseName(of instanceof PickleGlobal ? `an object of ${quote(of.name)}` : 'an object of a class');
}

type Operation = (machine: Machine) => void;

const OPERATIONS: readonly (Operation | undefined)[] = operations({
  128: ({ input }) => {
    const protocol = input.uint8();
    if (protocol < 2 || protocol > NEWEST_PROTOCOL) refuse(`protocol 2 to ${NEWEST_PROTOCOL}`, `${protocol}`);
  },
  // FRAME: a hint for readers that buffer.
  149: ({ input }) => {
    input.uint64();
  },
  '(': (machine) => machine.mark(),
  '0': (machine) => {
    machine.pop();
  },
  '1': (machine) => {
    machine.popMarked();
  },
  '2': (machine) => machine.push(machine.top()),

  N: (machine) => machine.push(null),
  136: (machine) => machine.push(true),
  137: (machine) => machine.push(false),
  K: (machine) => machine.push(machine.input.uint8()),
  M: (machine) => machine.push(machine.input.uint16()),
  J: (machine) => machine.push(machine.input.int32()),
  G: (machine) => machine.push(machine.input.float64()),
  138: (machine) => machine.pushNew(machine.input.long(machine.input.uint8())),
  139: (machine) => {
    const length = machine.input.int32();
    if (length < 0 || length > LONGEST_NUMBER) refuse(`numbers of at most ${LONGEST_NUMBER} bytes`, `${length}`);
    machine.pushNew(machine.input.long(length));
  },

  X: (machine) => machine.pushNew(machine.input.text(machine.input.uint32())),
  140: (machine) => machine.pushNew(machine.input.text(machine.input.uint8())),
  141: (machine) => machine.pushNew(machine.input.text(machine.input.uint64())),
  // Texts of Python 2.
  U: (machine) => machine.pushNew(machine.input.text(machine.input.uint8())),
  T: (machine) => machine.pushNew(machine.input.text(machine.input.uint32())),
  C: (machine) => machine.pushBytes(machine.input.uint8()),
  B: (machine) => machine.pushBytes(machine.input.uint32()),
  142: (machine) => machine.pushBytes(machine.input.uint64()),
  150: (machine) => machine.pushBytes(machine.input.uint64()),

  ')': (machine) => machine.pushTuple([]),
  133: (machine) => machine.pushTuple(machine.popLast(1)),
  134: (machine) => machine.pushTuple(machine.popLast(2)),
  135: (machine) => machine.pushTuple(machine.popLast(3)),
  t: (machine) => machine.pushTuple(machine.popMarked()),
  ']': (machine) => machine.pushList([]),
  l: (machine) => machine.pushList(machine.popMarked()),
  a: (machine) => machine.append(machine.popLast(1)),
  e: (machine) => machine.append(machine.popMarked()),
  143: (machine) => machine.pushList([]),
  144: (machine) => machine.append(machine.popMarked()),
  145: (machine) => machine.pushList(machine.popMarked()),
  '}': (machine) => machine.pushDict([]),
  d: (machine) => machine.pushDict(machine.popMarked()),
  s: (machine) => machine.setItems(machine.popLast(2)),
  u: (machine) => machine.setItems(machine.popMarked()),

  h: (machine) => machine.recall(machine.input.uint8()),
  j: (machine) => machine.recall(machine.input.uint32()),
  q: (machine) => machine.remember(machine.input.uint8()),
  r: (machine) => machine.remember(machine.input.uint32()),
  148: (machine) => machine.remember(machine.memo.length),

  c: (machine) => machine.pushGlobal(`${machine.input.line()}.${machine.input.line()}`),
  147: (machine) => {
    const names = machine.popLast(2);
    if (!names.every((name) => typeof name === 'string')) refuse('the name of a global', 'something else');
    machine.pushGlobal(names.join('.'));
  },
  Q: (machine) => machine.pushNew(machine.vocabulary.persistent(machine.pop())),
  R: (machine) => machine.reduce(),
  b: (machine) => machine.build(),
  i: (machine) => refuseInstance(machine.global(`${machine.input.line()}.${machine.input.line()}`)),
  o: (machine) => refuseInstance(machine.popMarked()[0]),
  129: (machine) => refuseInstance(machine.popLast(2)[0]),
  146: (machine) => refuseInstance(machine.popLast(3)[0]),
});

/** @param named operations by their code, or by the character that it is in ASCII */
function operations(named: Readonly<Record<string | number, Operation>>): readonly (Operation | undefined)[] {
  const table: (Operation | undefined)[] = Array(256).fill(undefined);
  for (const [name, operation] of Object.entries(named)) {
    table[name.length === 1 ? name.charCodeAt(0) : Number(name)] = operation;
  }
  return table;
}
