import { describe, expect, it } from 'vitest';
import type { AverageRequest, RunOptions, ScoreRequest } from '../lib/backend.js';
import { leastAverageMemory, openBackend } from '../lib/index.js';

/** What JavaScript may pass, whatever the types say. */
type Wrong<T> = { [K in keyof T]?: unknown };

const bytes = (length: number) => new Uint8Array(length);

function averageRequest(changes: Wrong<AverageRequest> = {}): AverageRequest {
  const tensors = [{ dtype: 'F32', ingredients: [bytes(8), bytes(8)], outputs: [bytes(8)] }];
  return { weights: Float64Array.of(1, 1), divisors: Float64Array.of(2), tensors, ...changes } as AverageRequest;
}

function tensorRequest(changes: Record<string, unknown>): AverageRequest {
  return averageRequest({ tensors: [{ ...averageRequest().tensors[0], ...changes }] });
}

function scoreRequest(changes: Wrong<ScoreRequest> = {}): ScoreRequest {
  const logits = [new Float32Array(6), new Float32Array(6)];
  const labels = new Int32Array(2);
  return {
    logits,
    samples: 2,
    classes: 3,
    labels,
    mixtures: Float64Array.of(1, 1),
    measure: { kind: 'top', k: 1 },
    ...changes,
  } as ScoreRequest;
}

const memory = bytes(100);
const resizable = new (ArrayBuffer as new (length: number, options: object) => ArrayBuffer)(8, { maxByteLength: 16 });
const detached = new Float32Array(6);
structuredClone(detached, { transfer: [detached.buffer] });

const WRONG_AVERAGES: [string, unknown, new () => Error][] = [
  ['no request', undefined, TypeError],
  ['weights in a plain array', averageRequest({ weights: [1, 1] }), TypeError],
  ['no weights', averageRequest({ weights: new Float64Array(0) }), RangeError],
  ['an output of nothing', averageRequest({ weights: Float64Array.of(0, 0) }), RangeError],
  ['a negative weight', averageRequest({ weights: Float64Array.of(1, -1) }), RangeError],
  ['a weight that is NaN', averageRequest({ weights: Float64Array.of(NaN, 1) }), RangeError],
  ['an infinite weight', averageRequest({ weights: Float64Array.of(1, Infinity) }), RangeError],
  ['no divisors', averageRequest({ divisors: undefined }), TypeError],
  ['a divisor of 0', averageRequest({ divisors: Float64Array.of(0) }), RangeError],
  ['an infinite divisor', averageRequest({ divisors: Float64Array.of(Infinity) }), RangeError],
  ['divisors of no output', averageRequest({ divisors: new Float64Array(0) }), RangeError],
  [
    'weights of part of an output',
    averageRequest({ weights: new Float64Array(3).fill(1), divisors: Float64Array.of(1, 1) }),
    RangeError,
  ],
  ['less memory than it needs', averageRequest({ memoryLimit: leastAverageMemory(2) - 1 }), RangeError],
  ['memory in words', averageRequest({ memoryLimit: '1' }), TypeError],
  ['a wish that is none', averageRequest({ refuseNaN: 1 }), TypeError],
  ['tensors that are no array', averageRequest({ tensors: {} }), TypeError],
  ['a tensor that is missing', averageRequest({ tensors: [undefined] }), TypeError],
  ['an unknown dtype', tensorRequest({ dtype: 'I32' }), TypeError],
  ['a dtype from the prototype', tensorRequest({ dtype: 'toString' }), TypeError],
  ['fewer ingredients than weights', tensorRequest({ ingredients: [bytes(8)] }), RangeError],
  ['an ingredient of another length', tensorRequest({ ingredients: [bytes(8), bytes(4)] }), RangeError],
  ['an ingredient of another type', tensorRequest({ ingredients: [bytes(8), new Float32Array(8)] }), TypeError],
  ['part of an element', tensorRequest({ ingredients: [bytes(7), bytes(7)], outputs: [bytes(7)] }), RangeError],
  ['a file without a descriptor', tensorRequest({ ingredients: [bytes(8), { offset: 0, byteLength: 8 }] }), TypeError],
  [
    'a negative descriptor',
    tensorRequest({ ingredients: [bytes(8), { fd: -1, offset: 0, byteLength: 8 }] }),
    RangeError,
  ],
  [
    'half a byte of a file',
    tensorRequest({ ingredients: [bytes(8), { fd: 0, offset: 0.5, byteLength: 8 }] }),
    RangeError,
  ],
  [
    'a file of another length',
    tensorRequest({ ingredients: [bytes(8), { fd: 0, offset: 0, byteLength: 4 }] }),
    RangeError,
  ],
  ['no outputs', tensorRequest({ outputs: undefined }), TypeError],
  ['more outputs than divisors', tensorRequest({ outputs: [bytes(8), bytes(8)] }), RangeError],
  ['an output of another type', tensorRequest({ outputs: [new Float32Array(2)] }), TypeError],
  ['memory that can shrink', tensorRequest({ outputs: [new Uint8Array(resizable)] }), TypeError],
  [
    'an output that is an ingredient',
    tensorRequest({ ingredients: [memory.subarray(0, 8), bytes(8)], outputs: [memory.subarray(0, 8)] }),
    RangeError,
  ],
  [
    'an output that begins inside an ingredient',
    tensorRequest({ ingredients: [memory.subarray(0, 8), bytes(8)], outputs: [memory.subarray(7, 15)] }),
    RangeError,
  ],
  [
    'an output that ends inside an ingredient',
    tensorRequest({ ingredients: [memory.subarray(7, 15), bytes(8)], outputs: [memory.subarray(0, 8)] }),
    RangeError,
  ],
  [
    'two outputs that overlap',
    averageRequest({
      tensors: [0, 4].map((at) => ({
        dtype: 'F32',
        ingredients: [bytes(8), bytes(8)],
        outputs: [memory.subarray(at, at + 8)],
      })),
    }),
    RangeError,
  ],
];

const WRONG_SCORES: [string, unknown, new () => Error][] = [
  ['no request', null, TypeError],
  ['no logits', scoreRequest({ logits: [] }), RangeError],
  ['logits of another type', scoreRequest({ logits: [new Float64Array(6), new Float32Array(6)] }), TypeError],
  ['logits of another size', scoreRequest({ logits: [new Float32Array(6), new Float32Array(5)] }), RangeError],
  ['logits whose memory is gone', scoreRequest({ logits: [detached, new Float32Array(6)] }), RangeError],
  ['a fraction of a sample', scoreRequest({ samples: 1.5 }), RangeError],
  ['a negative number of samples', scoreRequest({ samples: -1 }), RangeError],
  ['samples in words', scoreRequest({ samples: '2' }), TypeError],
  ['no classes', scoreRequest({ classes: 0 }), RangeError],
  ['too few labels', scoreRequest({ labels: new Int32Array(1) }), RangeError],
  ['labels of another type', scoreRequest({ labels: new Uint32Array(2) }), TypeError],
  ['a label of C', scoreRequest({ labels: Int32Array.of(0, 3) }), RangeError],
  ['a negative label', scoreRequest({ labels: Int32Array.of(-1, 0) }), RangeError],
  ['part of a mixture', scoreRequest({ mixtures: new Float64Array(3).fill(1) }), RangeError],
  ['a mixture of nothing', scoreRequest({ mixtures: Float64Array.of(0, 0) }), RangeError],
  ['a negative weight', scoreRequest({ mixtures: Float64Array.of(1, -1) }), RangeError],
  ['a weight that is NaN', scoreRequest({ mixtures: Float64Array.of(1, NaN) }), RangeError],
  [
    'weights without a finite sum',
    scoreRequest({ mixtures: Float64Array.of(Number.MAX_VALUE, Number.MAX_VALUE) }),
    RangeError,
  ],
  ['no measure', scoreRequest({ measure: undefined }), TypeError],
  ['an unknown measure', scoreRequest({ measure: { kind: 'f1' } }), TypeError],
  ['top 0', scoreRequest({ measure: { kind: 'top', k: 0 } }), RangeError],
  ['more than all classes', scoreRequest({ measure: { kind: 'top', k: 4 } }), RangeError],
];

const WRONG_OPTIONS: [string, unknown, new () => Error][] = [
  ['no thread', { threads: 0 }, RangeError],
  ['half a thread', { threads: 0.5 }, RangeError],
  ['threads in words', { threads: '2' }, TypeError],
  ['a signal that is none', { signal: {} }, TypeError],
];

const WORDING = /^Expected .+ for .+ but received .+$/;

describe.each(['cpu', 'reference'])('the %s backend refuses', (name) => {
  const backend = openBackend(name);
  const expectRefusal = async (call: Promise<unknown>, type: new () => Error) => {
    const error = await call.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toMatch(WORDING);
  };

  it.each(WRONG_AVERAGES)('to average with %s', (_, request, type) =>
    expectRefusal(backend.average(request as AverageRequest), type),
  );
  it.each(WRONG_SCORES)('to score with %s', (_, request, type) =>
    expectRefusal(backend.score(request as ScoreRequest), type),
  );
  it.each(WRONG_OPTIONS)('%s', (_, options, type) =>
    expectRefusal(backend.score(scoreRequest(), options as RunOptions), type),
  );

  it('nothing that is right: ingredients may share memory, and outputs may touch', async () => {
    const ingredient = memory.subarray(0, 8);
    const tensors = [8, 16].map((at) => ({
      dtype: 'F32',
      ingredients: [ingredient, ingredient],
      outputs: [memory.subarray(at, at + 8)],
    }));
    await backend.average(averageRequest({ tensors }));
    const shared = new Float32Array(new SharedArrayBuffer(24));
    expect(await backend.score(scoreRequest({ logits: [shared, shared] }), { threads: 1_000_000 })).toEqual(
      Float64Array.of(2),
    );
  });

  it('with names, sizes and what was found', async () => {
    await expect(backend.average(tensorRequest({ ingredients: [bytes(8), bytes(4)] }))).rejects.toThrow(
      'Expected 8 bytes, as many as the outputs have, for tensors[0].ingredients[1] but received 4',
    );
    await expect(backend.score(scoreRequest({ labels: Int32Array.of(0, 3) }))).rejects.toThrow(
      'Expected an integer in [0, 3) for labels[1] but received 3',
    );
  });
});
