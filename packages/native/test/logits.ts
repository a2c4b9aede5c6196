import fc from 'fast-check';
import type { CrossEntropyRequest, LogitsArray } from '../lib/backend.js';
import { bytesOf } from './tensors.js';

export function float32Logits(values: readonly number[]): LogitsArray {
  return { dtype: 'F32', source: bytesOf(Float32Array.from(values)) };
}

/** Small integers for exact ties, usual logits, denormals, zeros of both signs, and anything finite. */
const logit = fc.oneof(
  { weight: 4, arbitrary: fc.double({ min: -30, max: 30, noNaN: true }) },
  { weight: 2, arbitrary: fc.integer({ min: -3, max: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, -0, 1e-40, -1e-45, 1e-38) },
);
const wild = fc.oneof(
  { weight: 40, arbitrary: logit },
  { weight: 1, arbitrary: fc.constantFrom(1e30, -1e30, 3.4e38, -3.4e38, 64, -64, 64.00001) },
);
const weight = fc.oneof(
  fc.constantFrom(0, 1, 1),
  fc.constantFrom(0, 1, 2, 1e-60),
  fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
);

/** Requests of awkward sizes, some of them with models that are far apart or have wild logits. */
export function entropyRequest(): fc.Arbitrary<CrossEntropyRequest> {
  return fc
    .record({
      models: fc.constantFrom(1, 2, 5, 6, 11),
      samples: fc.constantFrom(0, 1, 15, 17, 258),
      classes: fc.constantFrom(1, 2, 5, 64, 67),
      mixtures: fc.integer({ min: 0, max: 4 }),
      isWild: fc.boolean(),
    })
    .chain(({ models, samples, classes, mixtures, isWild }) => {
      const list = <T>(value: fc.Arbitrary<T>, length: number) =>
        fc.array(value, { minLength: length, maxLength: length });
      const total = samples * classes;
      const some = fc.array(isWild ? wild : logit, { minLength: 37, maxLength: 67 });
      const model = fc
        .tuple(some, fc.constantFrom(0, 0, 1000, 1e30), fc.nat(1000))
        .map(([values, offset, seed]) =>
          float32Logits(
            Array.from(
              { length: total },
              (_, i) => offset + (values[(i * 7 + seed * (i >> 5)) % values.length] as number),
            ),
          ),
        );
      return fc.record({
        logits: list(model, models),
        samples: fc.constant(samples),
        classes: fc.constant(classes),
        labels: list(fc.integer({ min: 0, max: classes - 1 }), samples).map((values) => Int32Array.from(values)),
        mixtures: list(list(weight, models), mixtures).map((rows) =>
          Float64Array.from(rows.flatMap((row) => (row.some((p) => p > 1e-9) ? row : [1, ...row.slice(1)]))),
        ),
        gradient: fc.boolean(),
      });
    });
}

/** Logits as models of one origin give them: mostly shared, some noise of their own; the label's is raised. */
export function similarModels({
  models,
  samples,
  classes,
  mixtures = 20,
}: {
  models: number;
  samples: number;
  classes: number;
  mixtures?: number;
}): CrossEntropyRequest {
  const noise = (i: number) => Math.sin(i * 12.9898) * Math.sin(i * 78.233 + 1) * 2 + Math.sin(i * 0.37);
  const labels = Int32Array.from({ length: samples }, (_, m) => (m * 31) % classes);
  const logits = Array.from({ length: models }, (_, k) =>
    float32Logits(
      Array.from({ length: samples * classes }, (_, i) => {
        const m = Math.floor(i / classes);
        const raised = i % classes === labels[m] ? 6 + 2 * noise(m) : 0;
        return 1.5 * noise(i) + raised + 0.4 * noise(i * models + k + 0.5);
      }),
    ),
  );
  const weights = Float64Array.from({ length: models * mixtures }, (_, i) =>
    i % models === Math.floor(i / models) % models || noise(i) > 0.3 ? 1 + (i % 2) * (Math.floor(i / models) % 2) : 0,
  );
  return { logits, samples, classes, labels, mixtures: weights };
}

/** The mixing weights of each mixture. */
export function mixtureRows({ mixtures, logits }: Pick<CrossEntropyRequest, 'mixtures' | 'logits'>): number[][] {
  return Array.from({ length: mixtures.length / logits.length }, (_, s) => [
    ...mixtures.subarray(s * logits.length, (s + 1) * logits.length),
  ]);
}

function valuesOf({ source }: LogitsArray): Float32Array {
  return new Float32Array((source as Uint8Array).slice().buffer);
}

/**
 * The oracle: the definition in float64 with the system's exp and log.
 * @returns also the largest distance of a logit from its label's in each sample, over the models that count
 */
export function exactCrossEntropy(
  { logits, samples, classes, labels, gradient: withGradient }: CrossEntropyRequest,
  p: readonly number[],
  normalise = true,
): { total: number; gradient: number[]; farthest: number[] } {
  const scale = normalise ? p.reduce((sum, value) => sum + value) : 1;
  const a = p.map((value) => value / scale);
  const models = logits.map(valuesOf);
  let total = 0;
  const gradient = models.map(() => 0);
  const farthest: number[] = [];
  for (let m = 0; m < samples; m++) {
    const x = models.map((model) => {
      const row = model.subarray(m * classes, (m + 1) * classes);
      return Float64Array.from(row, (value) => value - (row[labels[m] as number] as number));
    });
    const z = Array.from({ length: classes }, (_, c) =>
      x.reduce((sum, row, k) => sum + (a[k] === 0 ? 0 : (a[k] as number) * (row[c] as number)), 0),
    );
    const top = Math.max(...z);
    const e = z.map((value) => Math.exp(value - top));
    const sum = e.reduce((partial, value) => partial + value, 0);
    total += Math.log(sum) + top;
    for (const [k, row] of x.entries()) {
      gradient[k] = (gradient[k] as number) + e.reduce((s, value, c) => s + (value / sum) * (row[c] as number), 0);
    }
    const counting = x.filter((_, k) => withGradient || a[k] !== 0);
    farthest.push(Math.max(...counting.map((row) => row.reduce((most, value) => Math.max(most, Math.abs(value)), 0))));
  }
  return { total, gradient, farthest };
}

/** −log softmax(Σ p_k ŷ_k / T_k)[label] of each sample, by the definition in float64. */
export function exactLosses(request: CrossEntropyRequest, p: readonly number[], temperatures: Float64Array): number[] {
  return exactMixed(request, p, temperatures).map(({ z }) => {
    const top = Math.max(...z);
    return Math.log(z.reduce((sum, value) => sum + Math.exp(value - top), 0)) + top;
  });
}

/**
 * Σ_c (softmax(z)[c] − [c = label])² of each sample with z = Σ p_k ŷ_k / T_k, by the definition in float64, and the most that
 * |z| would be if nothing cancelled, by which the rounding of z in float64 goes.
 */
export function exactSquaredErrors(
  request: CrossEntropyRequest,
  p: readonly number[],
  temperatures: Float64Array,
): { error: number; largest: number }[] {
  return exactMixed(request, p, temperatures).map(({ z, largest }, m) => {
    const top = Math.max(...z);
    const exponentials = z.map((value) => Math.exp(value - top));
    const sum = exponentials.reduce((partial, value) => partial + value, 0);
    const squared = (e: number, c: number) => (e / sum - (c === request.labels[m] ? 1 : 0)) ** 2;
    return { error: exponentials.reduce((error, e, c) => error + squared(e, c), 0), largest };
  });
}

/** z_c = Σ p_k (ŷ_k[c] − ŷ_k[label]) / T_k of each sample and class, and the largest sum of the terms' magnitudes. */
function exactMixed(
  { logits, samples, classes, labels }: CrossEntropyRequest,
  p: readonly number[],
  temperatures: Float64Array,
): { z: number[]; largest: number }[] {
  const total = p.reduce((sum, value) => sum + value, 0);
  const arrays = logits.map(({ source }) => {
    const bytes = source as Uint8Array;
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  });
  return Array.from({ length: samples }, (_, m) => {
    let largest = 0;
    const z = Array.from({ length: classes }, (_, c) => {
      const terms = arrays.map((values, k) => {
        const [own, label] = [values[m * classes + c] as number, values[m * classes + (labels[m] as number)] as number];
        return (((p[k] as number) / total) * (own - label)) / (temperatures[k] as number);
      });
      const magnitude = terms.reduce((sum, term) => sum + Math.abs(term), 0);
      largest = Math.max(largest, magnitude);
      return terms.reduce((sum, term) => sum + term, 0);
    });
    return { z, largest };
  });
}
