import { describe, expect, it } from 'vitest';
import {
  type AverageRequest,
  type Backend,
  type BankRequest,
  type CrossEntropyRequest,
  FLOAT_BYTES,
  type RunOptions,
} from '../lib/backend.js';
import { describeAverage } from './describe-average.js';
import { describeAveragePasses } from './describe-average-passes.js';
import { describeBank, endlessBankCalls } from './describe-bank.js';
import { describeCount } from './describe-count.js';
import { describeCrossEntropy, endlessCrossEntropy } from './describe-cross-entropy.js';
import { describeCrossEntropyBank, endlessBounds } from './describe-cross-entropy-bank.js';
import { describeGram, endlessGram } from './describe-gram.js';
import { describePredict, endlessPredict } from './describe-predict.js';
import { SLOWNESS } from './slowness.js';
import { bytesOf, outputOf, tensor } from './tensors.js';

const noise = (length: number, seed: number) =>
  Float32Array.from({ length }, (_, i) => Math.sin(i * 12.9898 + seed) * 4);

function averageRequest(elements: number): AverageRequest {
  const ingredients = [1, 2, 3].map((seed) => noise(elements, seed));
  return { weights: Float64Array.of(1, 1, 1), divisors: Float64Array.of(3), tensors: [tensor('F32', ingredients)] };
}

/** A pool, its labels and mixtures, for both of what is computed from cached logits. */
function logitsRequest(samples: number, mixtures = 5): BankRequest & CrossEntropyRequest {
  const classes = 10;
  return {
    logits: [1, 2, 3].map((seed) => ({ dtype: 'F32', source: bytesOf(noise(samples * classes, seed)) })),
    samples,
    classes,
    labels: Int32Array.from({ length: samples }, (_, m) => (m * 7) % classes),
    mixtures: Float64Array.from({ length: 3 * mixtures }, (_, i) => ((i * 5) % 7) + 0.25),
    top: 1,
  };
}

/** Calls that would take far longer than a test on any backend, were they not stopped; made ready on a backend. */
const endless: Record<string, (backend: Backend) => Promise<(options: RunOptions) => Promise<unknown>>> = {
  average: async (backend) => {
    const ingredient = new Uint8Array(64_000_000);
    const request = { weights: new Float64Array(2_000).fill(1), divisors: Float64Array.of(1) };
    const tensors = [
      {
        dtype: 'F16' as const,
        ingredients: Array<Uint8Array>(2_000).fill(ingredient),
        outputs: [new Uint8Array(64_000_000)],
      },
    ];
    return (options) => backend.average({ ...request, tensors }, options);
  },
  ...endlessBankCalls,
  crossEntropy: endlessCrossEntropy,
  'the bounds of a bank': endlessBounds,
  gram: endlessGram,
  predict: endlessPredict,
};

/**
 * The conformance suite: everything that the contract in lib/backend.ts promises of one backend.
 * @param slowness how many times longer it may take until it stops
 */
export function describeBackend(name: string, open: () => Backend, slowness = SLOWNESS): void {
  describe(`the ${name} backend`, () => {
    it('says its name', () => expect(open().name).toBe(name));

    describeAverage(open);
    describeAveragePasses(open);
    describeBank(open);
    describeCount(open);
    describeCrossEntropy(open);
    describeCrossEntropyBank(open);
    describeGram(open);
    describePredict(open);

    it('gives the same bits for 1, 2 and 7 threads', async () => {
      const averages = [];
      const totals = [];
      for (const threads of [1, 2, 7]) {
        const request = averageRequest(100_003);
        await open().average(request, { threads });
        averages.push(outputOf(request.tensors[0]));
        totals.push(await open().crossEntropy({ ...logitsRequest(3_001), gradient: true }, { threads }));
      }
      expect(Buffer.compare(averages[1] as Uint8Array, averages[0] as Uint8Array)).toBe(0);
      expect(Buffer.compare(averages[2] as Uint8Array, averages[0] as Uint8Array)).toBe(0);
      expect(totals[1]).toEqual(totals[0]);
      expect(totals[2]).toEqual(totals[0]);
    });

    it('adds cross-entropy in blocks of 256 samples', async () => {
      const request = logitsRequest(1_000);
      const rowBytes = request.classes * FLOAT_BYTES.F32;
      const part = async (begin: number, end: number) => {
        const logits = request.logits.map(({ dtype, source }) => ({
          dtype,
          source: (source as Uint8Array).subarray(begin * rowBytes, end * rowBytes),
        }));
        const labels = request.labels.subarray(begin, end);
        return (await open().crossEntropy({ ...request, logits, samples: end - begin, labels })).totals;
      };
      const parts = [await part(0, 256), await part(256, 512), await part(512, 768), await part(768, 1_000)];
      const expected = parts.reduce((sum, values) => sum.map((value, s) => value + (values[s] as number)));
      expect((await open().crossEntropy(request)).totals).toEqual(expected);
    });

    it('answers several calls at once', async () => {
      const request = logitsRequest(2_000);
      const bank = await open().openBank(request);
      const call = async () => ({
        entropies: await open().crossEntropy(request, { threads: 2 }),
        counts: await bank.count(request.mixtures, { threads: 2 }),
        correct: await bank.correct(request.mixtures.subarray(0, 3), { threads: 2 }),
        best: await bank.allSubsets({ keep: 3, lambda: 0 }, { threads: 2 }),
        again: (await open().openBank(request, { threads: 2 })).statistics,
      });
      const alone = await call();
      const calls = Array.from({ length: 4 }, call);
      const averages = Array.from({ length: 4 }, () => averageRequest(50_000));
      await Promise.all(averages.map((request) => open().average(request)));
      for (const answers of await Promise.all(calls)) expect(answers).toEqual(alone);
      const outputs = averages.map((request) => Buffer.from(outputOf(request.tensors[0])));
      expect(outputs.every((output) => output.equals(outputs[0] as Buffer) && output.some((byte) => byte !== 0))).toBe(
        true,
      );
    });

    const prepared = new Map<string, Promise<(options: RunOptions) => Promise<unknown>>>();
    /** The endless call of that name on this backend, for which large arrays and banks are made only once. */
    const prepare = (name: string) => {
      const call = prepared.get(name) ?? (endless[name] as (typeof endless)[string])(open());
      prepared.set(name, call);
      return call;
    };

    it.each(Object.keys(endless))('rejects %s at once when the signal has already been aborted', async (name) => {
      const call = await prepare(name);
      const reason = new Error('changed my mind');
      await expect(call({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    });

    it.each(Object.keys(endless))(
      'leaves the event loop free during %s and rejects with the signal’s reason soon after it aborts',
      async (name) => {
        const call = await prepare(name);
        const controller = new AbortController();
        const outcome = call({ signal: controller.signal, threads: 2 }).then(
          () => 'finished',
          (reason) => reason,
        );
        // Where the loop is not free, the call is finished before these are, or keeps them waiting.
        const started = performance.now();
        for (let tick = 0; tick < 10; tick++) await new Promise((resolve) => setTimeout(resolve, 5));
        expect(performance.now() - started).toBeLessThan(2_000 * slowness);
        const reason = { any: 'value' };
        const aborted = performance.now();
        controller.abort(reason);
        expect(await outcome).toBe(reason);
        // Promised are 50 ms; a machine that is busy with other tests may add to them.
        expect(performance.now() - aborted).toBeLessThan(1_000 * slowness);
      },
    );

    it('rejects calls that still wait for a thread as soon as their signal aborts', async () => {
      const running = new AbortController();
      const waiting = new AbortController();
      const request = logitsRequest(20_000, 50_000);
      const start = (signal: AbortSignal) =>
        open()
          .crossEntropy(request, { signal, threads: 1 })
          .catch((reason) => reason);
      const first = Array.from({ length: 4 }, () => start(running.signal));
      const last = Array.from({ length: 3 }, () => start(waiting.signal));
      await new Promise((resolve) => setTimeout(resolve, 50));
      const aborted = performance.now();
      waiting.abort('waiting');
      expect(await Promise.all(last)).toEqual(['waiting', 'waiting', 'waiting']);
      expect(performance.now() - aborted).toBeLessThan(1_000 * slowness);
      running.abort('running');
      expect(await Promise.all(first)).toEqual(['running', 'running', 'running', 'running']);
    });

    it('ignores a signal that aborts after the call', async () => {
      const controller = new AbortController();
      const { totals } = await open().crossEntropy(logitsRequest(10), { signal: controller.signal });
      controller.abort();
      expect(totals.length).toBe(5);
    });
  });
}
