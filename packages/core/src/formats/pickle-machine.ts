import { quote } from '../errors/index.js';
import { PickleBytes } from './pickle-bytes.js';
import {
  describeValue,
  PICKLE_BYTES,
  PickleDict,
  PickleGlobal,
  PickleList,
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

/** The stack, the marks and the memo of a pickle, all of bounded size. Values are shared and never copied. */
export class Machine {
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
    const state = this.pop();
    const value = this.top();
    if (!(value instanceof PickleDict)) refuse('state of dicts only', `state of ${describeValue(value)}`);
    if (!(state instanceof PickleDict)) refuse('a dict of attributes as state', describeValue(state));
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

/** Refuses what is no plain value. */
export function refuseName(found: string): never {
  refuse('only tensors and plain values, as torch.save(model.state_dict(), FILE) writes them,', found);
}
