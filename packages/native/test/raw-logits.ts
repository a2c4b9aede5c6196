/** Raw arguments of a call on logits: backend, dtypes, arrays, ranges, classes, labels of one model, one sample, two classes. */
export const rawLogits = (backend: number): unknown[] => [
  backend,
  Int32Array.of(2),
  [new Uint8Array(8)],
  new Float64Array(3),
  2,
  new Int32Array(1),
];

/** What every such call must refuse: what is wrong, at which position, and the value there. */
export const WRONG_LOGITS: [string, number, unknown][] = [
  ['a backend that there is not', 0, 99],
  ['an unknown dtype', 1, Int32Array.of(4)],
  ['a dtype below 0', 1, Int32Array.of(-1)],
  ['fewer dtypes', 1, new Int32Array(0)],
  ['a larger dtype', 1, Int32Array.of(3)],
  ['no models', 2, []],
  ['logits of another type', 2, [new Float32Array(2)]],
  ['fewer logits', 2, [new Uint8Array(4)]],
  ['part of a logit', 2, [new Uint8Array(9)]],
  ['a file of another size', 2, [null]],
  ['fewer ranges', 3, new Float64Array(2)],
  ['no classes', 4, 0],
  ['a fraction of a class', 4, 1.5],
  ['classes whose product with the samples overflows', 4, 2 ** 52],
  ['a label of C', 5, Int32Array.of(2)],
  ['a negative label', 5, Int32Array.of(-1)],
  ['more labels', 5, new Int32Array(2)],
];
