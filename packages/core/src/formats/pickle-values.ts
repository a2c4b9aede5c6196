/** What a pickle holds; tuples, lists, dicts, globals and what a vocabulary makes of them are objects. */
export type PickleValue = null | boolean | number | bigint | string | object;

/** A float, which Python does not take for an integer where it is a whole number. */
export class PickleFloat {
  constructor(readonly value: number) {}
}

export class PickleTuple {
  constructor(readonly items: readonly PickleValue[]) {}
}

/** A list, or a set, whose order is the pickle's. */
export class PickleList {
  readonly items: PickleValue[] = [];
}

/** A dict or OrderedDict. Keys that are objects are different from all others. */
export class PickleDict {
  readonly entries = new Map<PickleValue, PickleValue>();
}

/** A Python name that a pickle refers to. Nothing of that name is ever imported or called. */
export class PickleGlobal {
  /** @param build the value that stands for what Python would get by calling it; left out where it is no function */
  constructor(
    readonly name: string,
    readonly build?: (items: readonly PickleValue[]) => PickleValue,
  ) {}
}

/** Stands for all bytes of a pickle. */
export const PICKLE_BYTES: object = Object.freeze({});

/** Which names and which references to things outside may stand in a pickle, and what they mean. */
export interface PickleVocabulary {
  /** Undefined for names that may not. */
  global(name: string): PickleGlobal | undefined;
  persistent(id: PickleValue): PickleValue;
}

/** What is wrong with a pickle, before it is known where. */
export class PickleProblem extends Error {
  constructor(
    readonly expected: string,
    readonly found: string,
  ) {
    super(`Expected ${expected} but found ${found}`);
  }
}

export function refuse(expected: string, found: string): never {
  throw new PickleProblem(expected, found);
}

/** A value as messages name it. */
export function describeValue(value: PickleValue): string {
  if (value === null) return 'None';
  if (value instanceof PickleFloat) return `the float ${value.value}`;
  if (value instanceof PickleTuple) return 'a tuple';
  if (value instanceof PickleList) return 'a list';
  if (value instanceof PickleDict) return 'a dict';
  if (value === PICKLE_BYTES) return 'bytes';
  if (value instanceof PickleGlobal) return value.name;
  if (typeof value === 'string') return 'a text';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'object' ? 'an object' : `the number ${value}`;
}
