import { closeSync, openSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Backend, Bank, BankRequest, FloatDtype, LogitsArray, RunOptions } from '../lib/backend.js';
import { NonFiniteLogitError, SourceError } from '../lib/index.js';
import { inScratchFolder } from './scratch.js';
import { bytesOf } from './tensors.js';

/** Logits [N][M, C] with labels: the material of a bank. */
interface Pool {
  readonly logits: readonly Float32Array[];
  readonly samples: number;
  readonly classes: number;
  readonly labels: Int32Array;
}

function bankRequest({ logits, ...shape }: Pool, top = 1): BankRequest {
  return { ...shape, top, logits: logits.map((values) => ({ dtype: 'F32', source: bytesOf(values) })) };
}

/** The definition, written as a loop over all classes: which samples a mixture gets right. */
function loop({ logits, samples, classes, labels }: Pool, p: readonly number[], top: number): number[] {
  const largest = Math.max(...p);
  return Array.from({ length: samples }, (_, m) => {
    const z = Array.from({ length: classes }, (_, c) => {
      const terms = logits.flatMap((model, k) =>
        p[k] === 0 ? [] : [((p[k] as number) / largest) * (model[m * classes + c] as number)],
      );
      return terms.reduce((sum, term) => sum + term);
    });
    const y = labels[m] as number;
    const preferred = z.filter((value, c) => value > (z[y] as number) || (value === z[y] && c < y)).length;
    return preferred < top ? 1 : 0;
  });
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** A float32 a few steps away from another. */
function stepsFrom(value: number, steps: number): number {
  const bits = new Int32Array(Float32Array.of(value).buffer);
  bits[0] = (bits[0] as number) + steps;
  const result = new Float32Array(bits.buffer)[0] as number;
  return Number.isFinite(result) ? result : value;
}

/** What breaks careless arithmetic: exact ties, near ties, both zeros, denormals, and sizes that swallow each other. */
const logit = fc.oneof(
  fc.integer({ min: -2, max: 2 }),
  fc.constantFrom(0, -0, 1e-45, -1e-45, 1e-40, 3.4e38, -3.4e38, 1e30, -1e30, 1e-30),
  fc
    .tuple(fc.constantFrom(1, -1, 20, 0.1, 1e-7, 1e10), fc.integer({ min: -3, max: 3 }))
    .map(([x, n]) => stepsFrom(x, n)),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
);
const weight = fc.oneof(
  fc.constantFrom(0, 0, 1, 1, 2),
  fc.constantFrom(1e-300, 1e-12, 1 / 3, 1e300),
  fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
);

const list = <T>(value: fc.Arbitrary<T>, length: number) => fc.array(value, { minLength: length, maxLength: length });

function pool(mostModels: number): fc.Arbitrary<Pool> {
  const shape = fc.record({
    models: fc.integer({ min: 1, max: mostModels }),
    samples: fc.constantFrom(1, 2, 7, 17, 33),
    classes: fc.constantFrom(1, 2, 3, 10, 16, 17, 33),
    // Sometimes each model has an offset of its own, far larger than what distinguishes its classes.
    offset: fc.constantFrom(0, 0, 0, 1e4, 1e9),
  });
  return shape.chain(({ models, samples, classes, offset }) =>
    fc.record({
      logits: list(
        fc.tuple(list(logit, samples * classes), fc.integer({ min: -1, max: 1 })).map(([values, sign]) =>
          Float32Array.from(values, (value) => {
            const moved = Math.fround(value + sign * offset);
            return Number.isFinite(moved) ? moved : value;
          }),
        ),
        models,
      ),
      samples: fc.constant(samples),
      classes: fc.constant(classes),
      labels: list(fc.integer({ min: 0, max: classes - 1 }), samples).map((values) => Int32Array.from(values)),
    }),
  );
}

const mixturesFor = (models: number) =>
  fc.array(
    list(weight, models).map((row) => (row.some((p) => p > 0) ? row : [1, ...row.slice(1)])),
    { minLength: 1, maxLength: 4 },
  );

/** Logits like those of real models: a signal they share, the truth among it, and noise of their own. */
export function realisticPool(models: number, samples: number, classes: number, ruined = 0): Pool {
  let state = 12345;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const noise = () => uniform() + uniform() + uniform() + uniform() - 2;
  const labels = Int32Array.from({ length: samples }, () => Math.floor(uniform() * classes));
  const logits = Array.from({ length: models }, () => new Float32Array(samples * classes));
  for (let m = 0; m < samples; m++) {
    const shared = Array.from({ length: classes }, () => 4 * noise());
    const y = labels[m] as number;
    shared[y] = (shared[y] as number) + 5 + 5 * noise();
    for (const [k, model] of logits.entries()) {
      for (let c = 0; c < classes; c++) {
        model[m * classes + c] = k < ruined ? 0.05 * noise() : (shared[c] as number) + 2 * noise();
      }
    }
  }
  return { logits, samples, classes, labels };
}

function subsetRows(models: number, subsets: readonly number[]): Float64Array {
  return Float64Array.from(subsets.flatMap((subset) => Array.from({ length: models }, (_, k) => (subset >>> k) & 1)));
}

/** Logits that hardly agree, so that a bank can leave out little. */
function noisePool(models: number, samples: number, classes: number): Pool {
  const noise = (k: number) => new Float32Array(samples * classes).map((_, i) => Math.sin(i * (12.9898 + k)));
  return {
    logits: Array.from({ length: models }, (_, k) => noise(k)),
    samples,
    classes,
    labels: Int32Array.from({ length: samples }, (_, m) => (m * 7) % classes),
  };
}

/** Calls on a bank that take far longer than a test, made ready on a backend. */
export const endlessBankCalls: Record<
  string,
  (backend: Backend) => Promise<(options: RunOptions) => Promise<unknown>>
> = {
  'the opening of a bank': async (backend) => {
    const request = bankRequest(noisePool(1, 20_000, 100));
    const logits = Array.from({ length: 12_000 }, () => request.logits[0] as LogitsArray);
    return (options) => backend.openBank({ ...request, logits }, options);
  },
  'the counts of a bank': async (backend) => {
    const bank = await backend.openBank(bankRequest(noisePool(3, 20_000, 10)));
    const mixtures = new Float64Array(3 * 2_000_000).map((_, i) => ((i * 5) % 7) + 0.25);
    return (options) => bank.count(mixtures, options);
  },
  'all subsets of a bank': async (backend) => {
    const bank = await backend.openBank(bankRequest(noisePool(24, 10_000, 10)));
    return (options) => bank.allSubsets({ keep: 1_000, lambda: 0 }, options);
  },
};

export function describeBank(open: () => Backend): void {
  const withBank = async <T>(request: BankRequest, use: (bank: Bank) => Promise<T>): Promise<T> => {
    const bank = await open().openBank(request);
    try {
      return await use(bank);
    } finally {
      bank.close();
    }
  };

  describe('a bank', () => {
    it('counts and marks for any mixture what the loop over all classes does', async () => {
      const material = pool(5).chain((one) =>
        fc.record({
          one: fc.constant(one),
          mixtures: mixturesFor(one.logits.length),
          top: fc.integer({ min: 1, max: Math.min(4, one.classes) }),
        }),
      );
      const property = fc.asyncProperty(material, async ({ one, mixtures, top }) => {
        const expected = mixtures.map((p) => loop(one, p, top));
        await withBank(bankRequest(one, top), async (bank) => {
          expect([...(await bank.count(Float64Array.from(mixtures.flat())))]).toEqual(expected.map(sum));
          expect([...(await bank.correct(Float64Array.from(mixtures[0] as number[])))]).toEqual(expected[0]);
        });
      });
      await fc.assert(property, { numRuns: 300 });
    });

    it('settles every exact tie in favour of the lower class', async () => {
      const ties = fc
        .record({ models: fc.integer({ min: 1, max: 3 }), classes: fc.integer({ min: 2, max: 5 }) })
        .chain(({ models, classes }) =>
          fc.record({
            logits: list(
              list(fc.integer({ min: -1, max: 1 }), 40 * classes).map((values) => Float32Array.from(values)),
              models,
            ),
            samples: fc.constant(40),
            classes: fc.constant(classes),
            labels: list(fc.integer({ min: 0, max: classes - 1 }), 40).map((values) => Int32Array.from(values)),
          }),
        );
      const property = fc.asyncProperty(ties, fc.constantFrom(1, 2), async (one, top) => {
        const models = one.logits.length;
        const subsets = Array.from({ length: 2 ** models - 1 }, (_, i) => i + 1);
        const rows = subsetRows(models, subsets);
        const expected = subsets.map((_, s) => sum(loop(one, [...rows.subarray(s * models, (s + 1) * models)], top)));
        await withBank(bankRequest(one, top), async (bank) => {
          expect([...(await bank.count(rows))]).toEqual(expected);
          const { highest } = await bank.allSubsets({ keep: 0, lambda: 0 });
          expect(Math.max(...highest.subarray(1))).toBe(Math.max(...expected));
        });
      });
      await fc.assert(property, { numRuns: 60 });
    });

    it('leaves it to the loop whether rounded products tie, where sums without weights are exact', async () => {
      // The second model prefers class 2 by less than what the first model's 1e9 leaves of float64.
      const one = {
        logits: [Float32Array.of(-1e9, -1e9, -1e9), Float32Array.of(19.9999942779541, 1e10, 20)],
        samples: 1,
        classes: 3,
        labels: Int32Array.of(0),
      };
      for (const p of [
        [75.65856990142686, 1],
        [1, 1],
        [3, 1],
      ]) {
        for (const top of [1, 2, 3]) {
          const counts = await withBank(bankRequest(one, top), (bank) => bank.count(Float64Array.from(p)));
          expect([...counts]).toEqual([sum(loop(one, p, top))]);
        }
      }
    });

    it('scores all subsets as it counts them one by one, in the order of the ranking', async () => {
      const material = fc.record({
        one: pool(9),
        top: fc.constantFrom(1, 1, 2),
        lambda: fc.constantFrom(0, 1, 0.01),
        keep: fc.constantFrom(0, 1, 5, 1000),
      });
      const property = fc.asyncProperty(material, async ({ one, top: wanted, lambda, keep }) => {
        const models = one.logits.length;
        const top = Math.min(wanted, one.classes);
        await withBank(bankRequest(one, top), async (bank) => {
          const subsets = Array.from({ length: 2 ** models - 1 }, (_, i) => i + 1);
          const counts = [...(await bank.count(subsetRows(models, subsets)))];
          const members = (subset: number) => [...Array(models).keys()].filter((k) => (subset >>> k) & 1);
          const ranked = subsets
            .map((subset, i) => ({ subset, members: members(subset), correct: counts[i] as number }))
            .map((entry) => ({ ...entry, score: entry.correct / one.samples + lambda * entry.members.length }))
            .sort(
              (a, b) =>
                b.score - a.score ||
                b.members.length - a.members.length ||
                (a.members.join() < b.members.join() ? -1 : 1),
            );
          const all = await bank.allSubsets({ keep, lambda, everyCount: true });
          const bySubset = new Map(ranked.map(({ subset, correct }) => [subset, correct]));
          expect([...(all.counts as Uint32Array)]).toEqual(
            Array.from({ length: 2 ** models }, (_, s) => bySubset.get(s) ?? 0),
          );
          expect([...all.subsets]).toEqual(ranked.slice(0, keep).map(({ subset }) => subset));
          expect([...all.correct]).toEqual(ranked.slice(0, keep).map(({ correct }) => correct));
          for (let size = 1; size <= models; size++) {
            const ofSize = ranked.filter((entry) => entry.members.length === size).map(({ correct }) => correct);
            expect(all.lowest[size]).toBe(Math.min(...ofSize));
            expect(all.highest[size]).toBe(Math.max(...ofSize));
            expect(all.total[size]).toBe(sum(ofSize));
          }
        });
      });
      await fc.assert(property, { numRuns: 25 });
    });

    it.each([
      ['many models', realisticPool(72, 60, 20)],
      ['more models than a byte counts', realisticPool(260, 20, 5)],
      ['ruined models', realisticPool(8, 200, 60, 3)],
      ['two classes', realisticPool(6, 300, 2)],
    ])('counts as the loop does with %s', async (_, one) => {
      const models = one.logits.length;
      const mixtures = Array.from({ length: 12 }, (_, s) =>
        Array.from({ length: models }, (_, k) => (s === 0 ? 1 : ((k * 7 + s * 13) % 5) * ((k + s) % 2 || s % 3))),
      ).map((row) => (row.some((p) => p > 0) ? row : [1, ...row.slice(1)]));
      for (const top of [1, 2]) {
        const counts = await withBank(bankRequest(one, top), (bank) => bank.count(Float64Array.from(mixtures.flat())));
        expect([...counts]).toEqual(mixtures.map((p) => sum(loop(one, p, top))));
      }
    });

    it('says truly how many samples every mixture gets right or wrong', async () => {
      const one = realisticPool(5, 300, 20, 1);
      const { statistics, bits } = await withBank(bankRequest(one), async (bank) => ({
        statistics: bank.statistics,
        bits: await Promise.all(Array.from({ length: 31 }, (_, i) => bank.correct(subsetRows(5, [i + 1])))),
      }));
      const votes = Array.from({ length: one.samples }, (_, m) => sum(bits.map((correct) => correct[m] as number)));
      expect(statistics.alwaysRight).toBeLessThanOrEqual(votes.filter((count) => count === 31).length);
      expect(statistics.alwaysWrong).toBeLessThanOrEqual(votes.filter((count) => count === 0).length);
      expect(statistics.rows).toBeLessThanOrEqual(one.samples * one.classes);
      expect(statistics.bytes).toBeGreaterThan(0);
    });

    it('answers the same for any number of threads', async () => {
      const one = realisticPool(10, 1_500, 30, 1);
      const mixtures = Float64Array.from({ length: 10 * 300 }, (_, i) => ((i * 5) % 7) + (i % 10 === 0 ? 1 : 0));
      const answers = [];
      for (const threads of [1, 2, 7]) {
        const bank = await open().openBank(bankRequest(one), { threads });
        const counts = await bank.count(mixtures.subarray(0, open().name === 'reference' ? 100 : undefined), {
          threads,
        });
        const all =
          open().name === 'reference' ? undefined : await bank.allSubsets({ keep: 50, lambda: 0 }, { threads });
        answers.push({ counts, all, statistics: bank.statistics });
      }
      expect(answers[1]).toEqual(answers[0]);
      expect(answers[2]).toEqual(answers[0]);
    });

    it('counts no mixtures, and samples that there are none of', async () => {
      const one = realisticPool(3, 40, 4);
      await withBank(bankRequest(one), async (bank) =>
        expect(await bank.count(new Float64Array(0))).toEqual(new Float64Array(0)),
      );
      const none = {
        logits: one.logits.map(() => new Float32Array(0)),
        samples: 0,
        classes: 2 ** 31,
        labels: new Int32Array(0),
      };
      await withBank(bankRequest(none), async (bank) => {
        expect([...(await bank.count(Float64Array.of(1, 1, 0)))]).toEqual([0]);
        expect(await bank.correct(Float64Array.of(1, 1, 0))).toEqual(new Uint8Array(0));
        await expect(bank.allSubsets({ keep: 1, lambda: 0 })).rejects.toThrow(RangeError);
      });
    });

    it.each([NaN, Infinity, -Infinity])('names the first logit that is %d, by model, then sample', async (value) => {
      const one = realisticPool(3, 400, 7);
      (one.logits[2] as Float32Array)[5] = Number.NaN;
      (one.logits[1] as Float32Array)[399 * 7 + 3] = Number.NEGATIVE_INFINITY;
      (one.logits[1] as Float32Array)[398 * 7 + 6] = value;
      const error = await open()
        .openBank(bankRequest(one), { threads: 2 })
        .catch((reason) => reason);
      expect(error).toBeInstanceOf(NonFiniteLogitError);
      expect(error).toMatchObject({ model: 1, sample: 398, classIndex: 6, value });
      expect(error.message).toBe(`Expected a finite number for logits[1] at sample 398, class 6 but received ${value}`);
    });

    it('is closed for good', async () => {
      const bank = await open().openBank(bankRequest(realisticPool(2, 10, 3)));
      const counting = bank.count(Float64Array.of(1, 1));
      bank.close();
      bank.close();
      expect((await counting).length).toBe(1);
      await expect(bank.count(Float64Array.of(1, 1))).rejects.toThrow('Expected a bank that has not been closed');
      await expect(bank.correct(Float64Array.of(1, 1))).rejects.toThrow(TypeError);
      await expect(bank.allSubsets({ keep: 1, lambda: 0 })).rejects.toThrow(TypeError);
    });

    it('refuses a pool of more than 24 models for all subsets', async () => {
      await withBank(bankRequest(realisticPool(25, 3, 3)), async (bank) => {
        await expect(bank.allSubsets({ keep: 1, lambda: 0 })).rejects.toThrow(
          'Expected at most 24 models for all subsets but received 25',
        );
      });
    });
  });

  describe('a bank from files', () => {
    const scratch = inScratchFolder();
    let descriptors: number[] = [];
    beforeEach(() => {
      descriptors = [];
    });
    afterEach(() => descriptors.forEach(closeSync));

    const file = (name: string, ...parts: Uint8Array[]) => {
      const path = join(scratch.folder, name);
      writeFileSync(path, Buffer.concat(parts));
      const fd = openSync(path, 'r');
      descriptors.push(fd);
      return { path, fd };
    };

    it.each<[FloatDtype, (values: Float32Array) => { stored: NodeJS.TypedArray; read: Float32Array }]>([
      ['F32', (values) => ({ stored: values, read: values })],
      ['F64', (values) => ({ stored: Float64Array.from(values, (x) => x * (1 + 1e-12)), read: values })],
      [
        'BF16',
        (values) => {
          const stored = Uint16Array.from(new Uint32Array(values.buffer), (bits) => bits >>> 16);
          return { stored, read: new Float32Array(Uint32Array.from(stored, (bits) => bits << 16).buffer) };
        },
      ],
      [
        'F16',
        (values) => {
          // Halves of integers below 2^11: sign, exponent and fraction by the definition of binary16.
          const halves = Float32Array.from(values, (x) => Math.max(-1000, Math.min(1000, Math.round(x * 64))) / 2);
          const stored = Uint16Array.from(halves, (x) => {
            if (x === 0) return 0;
            const exponent = Math.floor(Math.log2(Math.abs(x)));
            return (x < 0 ? 0x8000 : 0) + ((exponent + 15) << 10) + (Math.abs(x) / 2 ** exponent - 1) * 1024;
          });
          return { stored, read: halves };
        },
      ],
    ])('reads %s after a header, as from memory of any alignment', async (dtype, store) => {
      const one = realisticPool(5, 700, 13);
      const made = one.logits.map(store);
      const expected = { ...one, logits: made.map(({ read }) => read) };
      const mixtures = [
        [1, 1, 0, 1, 0],
        [1, 2, 3, 4, 5],
      ];
      const header = Buffer.from('ten bytes.');
      const fromFiles = made.map(({ stored }, k) => {
        const { fd } = file(`${dtype}-${k}`, header, bytesOf(stored), Buffer.from('more'));
        return { dtype, source: { fd, offset: header.length, byteLength: stored.byteLength } };
      });
      const fromMemory = made.map(({ stored }) => {
        const copy = new Uint8Array(new ArrayBuffer(stored.byteLength + 1), 1);
        copy.set(bytesOf(stored));
        return { dtype, source: copy };
      });
      for (const logits of [fromFiles, fromMemory]) {
        const counts = await withBank({ ...bankRequest(one), logits }, (bank) =>
          bank.count(Float64Array.from(mixtures.flat())),
        );
        expect([...counts]).toEqual(mixtures.map((p) => sum(loop(expected, p, 1))));
      }
    });

    it('names a file that ends early and one that cannot be read', async () => {
      const one = realisticPool(2, 50, 4);
      const [first, second] = one.logits.map((values, k) => file(`logits-${k}`, bytesOf(values)));
      const byteLength = one.logits[0]?.byteLength as number;
      const sources = [first?.fd as number, second?.fd as number].map((fd) => ({ fd, offset: 0, byteLength }));
      const request = { ...bankRequest(one), logits: sources.map((source) => ({ dtype: 'F32' as const, source })) };
      truncateSync(second?.path as string, 100);
      const ended = await open()
        .openBank(request)
        .catch((reason) => reason);
      expect(ended).toBeInstanceOf(SourceError);
      expect(ended).toMatchObject({ source: 1, position: 100, problem: 'ended' });

      const unreadable = [
        { dtype: 'F32' as const, source: { fd: 2 ** 30, offset: 0, byteLength } },
        ...request.logits.slice(1),
      ];
      const refused = await open()
        .openBank({ ...request, logits: unreadable })
        .catch((reason) => reason);
      expect(refused).toMatchObject({ source: 0, problem: 'unreadable', code: 'EBADF' });
    });
  });
}
