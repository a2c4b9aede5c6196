import { describe, expect, it } from 'vitest';
import type {
  AllSubsetsRequest,
  AverageRequest,
  BankRequest,
  CrossEntropyRequest,
  GramRequest,
  RunOptions,
} from '../lib/backend.js';
import { leastAverageMemory, leastGramMemory, openBackend } from '../lib/index.js';

/** What JavaScript may pass, whatever the types say. */
type Wrong<T> = { [K in keyof T]?: unknown };

const bytes = (length: number) => new Uint8Array(length);
const zeros = (elements: number) => ({ dtype: 'F32', source: bytes(4 * elements) });

function averageRequest(changes: Wrong<AverageRequest> = {}): AverageRequest {
  const tensors = [{ dtype: 'F32', ingredients: [bytes(8), bytes(8)], outputs: [bytes(8)] }];
  return { weights: Float64Array.of(1, 1), divisors: Float64Array.of(2), tensors, ...changes } as AverageRequest;
}

function tensorRequest(changes: Record<string, unknown>): AverageRequest {
  return averageRequest({ tensors: [{ ...averageRequest().tensors[0], ...changes }] });
}

const gramTensor = { dtype: 'F32', group: 0, models: [bytes(8), bytes(8)] };

function gramRequest(changes: Wrong<GramRequest> = {}): GramRequest {
  return { models: 2, groups: 1, tensors: [gramTensor], ...changes } as GramRequest;
}

function gramOf(changes: Record<string, unknown>): GramRequest {
  return gramRequest({ tensors: [{ ...gramTensor, ...changes }] });
}

/** Two models, two samples, three classes, all logits 0. */
function logitsRequest(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const logits = [zeros(6), zeros(6)];
  return { logits, samples: 2, classes: 3, labels: new Int32Array(2), ...changes };
}

const bankRequest = (changes: Wrong<BankRequest> = {}) =>
  logitsRequest({ top: 1, ...changes }) as unknown as BankRequest;

const entropyRequest = (changes: Wrong<CrossEntropyRequest> = {}) =>
  logitsRequest({ mixtures: Float64Array.of(1, 1), ...changes }) as unknown as CrossEntropyRequest;

const memory = bytes(100);
const resizable = new (ArrayBuffer as new (length: number, options: object) => ArrayBuffer)(8, { maxByteLength: 16 });
const detached = bytes(24);
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

/** What every call on logits refuses. */
const WRONG_LOGITS: [string, Record<string, unknown>, new () => Error][] = [
  ['no logits', { logits: [] }, RangeError],
  ['logits that are no array', { logits: {} }, TypeError],
  ['logits that are missing', { logits: [undefined, zeros(6)] }, TypeError],
  ['logits without a dtype', { logits: [{ source: bytes(24) }, zeros(6)] }, TypeError],
  ['an unknown dtype', { logits: [{ dtype: 'I32', source: bytes(24) }, zeros(6)] }, TypeError],
  ['logits in an array of numbers', { logits: [{ dtype: 'F32', source: new Float32Array(6) }, zeros(6)] }, TypeError],
  ['logits of another size', { logits: [zeros(6), zeros(5)] }, RangeError],
  ['logits whose memory is gone', { logits: [{ dtype: 'F32', source: detached }, zeros(6)] }, RangeError],
  [
    'memory that can shrink',
    {
      logits: [{ dtype: 'F32', source: new Uint8Array(resizable) }],
      samples: 1,
      classes: 2,
      labels: new Int32Array(1),
    },
    TypeError,
  ],
  [
    'a negative descriptor',
    { logits: [{ dtype: 'F32', source: { fd: -1, offset: 0, byteLength: 24 } }, zeros(6)] },
    RangeError,
  ],
  ['a fraction of a sample', { samples: 1.5 }, RangeError],
  ['a negative number of samples', { samples: -1 }, RangeError],
  ['samples in words', { samples: '2' }, TypeError],
  ['no classes', { classes: 0 }, RangeError],
  ['too few labels', { labels: new Int32Array(1) }, RangeError],
  ['labels of another type', { labels: new Uint32Array(2) }, TypeError],
  ['a label of C', { labels: Int32Array.of(0, 3) }, RangeError],
  ['a negative label', { labels: Int32Array.of(-1, 0) }, RangeError],
];

const WRONG_BANKS: [string, unknown, new () => Error][] = [
  ['no request', null, TypeError],
  ...WRONG_LOGITS.map(([name, changes, type]) => [name, bankRequest(changes), type] as (typeof WRONG_BANKS)[number]),
  ['no top', bankRequest({ top: undefined }), TypeError],
  ['top 0', bankRequest({ top: 0 }), RangeError],
  ['more than all classes', bankRequest({ top: 4 }), RangeError],
];

const WRONG_MIXTURES: [string, unknown, new () => Error][] = [
  ['no mixtures', undefined, TypeError],
  ['mixtures in a plain array', [1, 1], TypeError],
  ['part of a mixture', new Float64Array(3).fill(1), RangeError],
  ['a mixture of nothing', Float64Array.of(0, 0), RangeError],
  ['a negative weight', Float64Array.of(1, -1), RangeError],
  ['a weight that is NaN', Float64Array.of(1, NaN), RangeError],
  ['weights without a finite sum', Float64Array.of(Number.MAX_VALUE, Number.MAX_VALUE), RangeError],
];

const WRONG_ENTROPIES: [string, unknown, new () => Error][] = [
  ['no request', null, TypeError],
  ...[
    ...WRONG_LOGITS,
    ...WRONG_MIXTURES.map(([name, mixtures, type]) => [name, { mixtures }, type] as (typeof WRONG_LOGITS)[number]),
  ].map(([name, changes, type]) => [name, entropyRequest(changes), type] as (typeof WRONG_ENTROPIES)[number]),
  ['a wish that is none', entropyRequest({ gradient: 1 }), TypeError],
];

const WRONG_SUBSETS: [string, unknown, new () => Error][] = [
  ['no request', undefined, TypeError],
  ['a negative number to keep', { keep: -1, lambda: 0 }, RangeError],
  ['half a subset to keep', { keep: 0.5, lambda: 0 }, RangeError],
  ['no number to keep', { lambda: 0 }, TypeError],
  ['a negative lambda', { keep: 1, lambda: -1 }, RangeError],
  ['a lambda that is NaN', { keep: 1, lambda: NaN }, RangeError],
  ['an infinite lambda', { keep: 1, lambda: Infinity }, RangeError],
  ['a lambda in words', { keep: 1, lambda: '0' }, TypeError],
  ['every count in words', { keep: 1, lambda: 0, everyCount: 'yes' }, TypeError],
];

const WRONG_GRAMS: [string, unknown, new () => Error][] = [
  ['no request', undefined, TypeError],
  ['no models', gramRequest({ models: 0 }), RangeError],
  ['models in words', gramRequest({ models: '2' }), TypeError],
  ['no groups', gramRequest({ groups: 0 }), RangeError],
  ['less memory than it needs', gramRequest({ memoryLimit: leastGramMemory(2) - 1 }), RangeError],
  ['tensors that are no array', gramRequest({ tensors: {} }), TypeError],
  ['a tensor that is missing', gramRequest({ tensors: [undefined] }), TypeError],
  ['an unknown dtype', gramOf({ dtype: 'I32' }), TypeError],
  ['a group beyond the last', gramOf({ group: 1 }), RangeError],
  ['no group', gramOf({ group: undefined }), TypeError],
  ['fewer sources than models', gramOf({ models: [bytes(8)] }), RangeError],
  ['sources of another length', gramOf({ models: [bytes(8), bytes(4)] }), RangeError],
  ['sources of another type', gramOf({ models: [bytes(8), new Float32Array(2)] }), TypeError],
  ['part of an element', gramOf({ models: [bytes(7), bytes(7)] }), RangeError],
  ['a reference of another length', gramOf({ reference: bytes(4) }), RangeError],
  [
    'a reference of one tensor alone',
    gramRequest({ tensors: [gramTensor, { ...gramTensor, reference: bytes(8) }] }),
    TypeError,
  ],
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
  it.each(WRONG_BANKS)('to open a bank with %s', (_, request, type) =>
    expectRefusal(backend.openBank(request as BankRequest), type),
  );
  it.each(WRONG_MIXTURES)('to count with %s', async (_, mixtures, type) => {
    const bank = await backend.openBank(bankRequest());
    await expectRefusal(bank.count(mixtures as Float64Array), type);
    await expectRefusal(bank.correct(mixtures as Float64Array), type);
  });
  it('to mark what several mixtures, or none, get right', async () => {
    const bank = await backend.openBank(bankRequest());
    await expectRefusal(bank.correct(new Float64Array(4).fill(1)), RangeError);
    await expectRefusal(bank.correct(new Float64Array(0)), RangeError);
  });
  it.each(WRONG_SUBSETS)('all subsets with %s', async (_, request, type) => {
    const bank = await backend.openBank(bankRequest());
    await expectRefusal(bank.allSubsets(request as AllSubsetsRequest), type);
  });
  it.each(WRONG_ENTROPIES)('cross-entropy with %s', (_, request, type) =>
    expectRefusal(backend.crossEntropy(request as CrossEntropyRequest), type),
  );
  it.each(WRONG_GRAMS)('a Gram matrix with %s', (_, request, type) =>
    expectRefusal(backend.gram(request as GramRequest), type),
  );
  it.each(WRONG_OPTIONS)('%s', async (_, given, type) => {
    const options = given as RunOptions;
    const bank = await backend.openBank(bankRequest());
    for (const call of [
      backend.average(averageRequest(), options),
      backend.openBank(bankRequest(), options),
      bank.count(Float64Array.of(1, 1), options),
      bank.correct(Float64Array.of(1, 1), options),
      bank.allSubsets({ keep: 1, lambda: 0 }, options),
      backend.crossEntropy(entropyRequest(), options),
      backend.gram(gramRequest(), options),
    ]) {
      await expectRefusal(call, type);
    }
  });

  it('nothing that is right: ingredients may share memory, and outputs may touch', async () => {
    const ingredient = memory.subarray(0, 8);
    const tensors = [8, 16].map((at) => ({
      dtype: 'F32',
      ingredients: [ingredient, ingredient],
      outputs: [memory.subarray(at, at + 8)],
    }));
    await backend.average(averageRequest({ tensors }));
    const shared = { dtype: 'F32', source: new Uint8Array(new SharedArrayBuffer(24)) };
    const bank = await backend.openBank(bankRequest({ logits: [shared, shared] }), { threads: 1_000_000 });
    expect(await bank.count(Float64Array.of(1, 1), { threads: 1_000_000 })).toEqual(Float64Array.of(2));
  });

  it('with names, sizes and what was found', async () => {
    await expect(backend.average(tensorRequest({ ingredients: [bytes(8), bytes(4)] }))).rejects.toThrow(
      'Expected 8 bytes, as many as the outputs have, for tensors[0].ingredients[1] but received 4',
    );
    await expect(backend.openBank(bankRequest({ labels: Int32Array.of(0, 3) }))).rejects.toThrow(
      'Expected an integer in [0, 3) for labels[1] but received 3',
    );
  });
});
