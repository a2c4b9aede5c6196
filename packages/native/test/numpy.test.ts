import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { openBackend } from '../lib/index.js';
import { bytesOf, outputOf, tensor } from './tensors.js';

const PYTHON = '/usr/bin/python3';
const hasNumpy = spawnSync(PYTHON, ['-c', 'import numpy']).status === 0;
if (!hasNumpy) process.stderr.write('numpy is not installed: the comparison with it is skipped\n');

/** Runs a program whose `data` is standard input, as bytes, and returns what it writes. */
function numpy(program: string, data: NodeJS.TypedArray): Buffer {
  const source = `import sys, numpy\ndata = sys.stdin.buffer.read()\n${program}`;
  const { status, stdout, stderr } = spawnSync(PYTHON, ['-c', source], { input: data, maxBuffer: 2 ** 30 });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout;
}

const [models, samples, classes] = [4, 1_500, 20];
const values = Float32Array.from(
  { length: models * samples * classes },
  (_, i) => (Math.sin(i * 78.233) * 43758.5453) % 8,
);
const each = Array.from({ length: models }, (_, k) =>
  values.subarray(k * samples * classes, (k + 1) * samples * classes),
);

describe.skipIf(!hasNumpy).each(['cpu', 'reference'])('the %s backend and numpy agree on', (name) => {
  const backend = openBackend(name);

  it.each([
    ['F32', 'float32'],
    ['F16', 'float16'],
    ['F64', 'float64'],
  ] as const)('the bits of a mean of %s taken in float64', async (dtype, type) => {
    const cast = numpy(
      `sys.stdout.buffer.write(numpy.frombuffer(data, 'float32').astype('${type}').tobytes())`,
      values,
    );
    const size = cast.length / models;
    const one = tensor(
      dtype,
      each.map((_, k) => cast.subarray(k * size, (k + 1) * size)),
    );
    await backend.average({
      weights: new Float64Array(models).fill(1),
      divisors: Float64Array.of(models),
      tensors: [one],
    });
    const expected = numpy(
      `x = numpy.frombuffer(data, '${type}').reshape(${models}, -1).astype('float64')
total = x[0].copy()
for row in x[1:]: total += row
sys.stdout.buffer.write((total / ${models}).astype('${type}').tobytes())`,
      cast,
    );
    expect(Buffer.compare(outputOf(one), expected)).toBe(0);
  });

  it('how many samples each subset of models gets right', async () => {
    const labels = Int32Array.from({ length: samples }, (_, m) => (m * 3) % classes);
    const subsets = Array.from({ length: 15 }, (_, s) => Array.from({ length: models }, (_, k) => ((s + 1) >> k) & 1));
    const logits = each.map((array) => ({ dtype: 'F32' as const, source: bytesOf(array) }));
    const bank = await backend.openBank({ logits, samples, classes, labels, top: 1 });
    const counts = await bank.count(Float64Array.from(subsets.flat()));
    const expected = numpy(
      `x = numpy.frombuffer(data, 'float32').reshape(${models}, ${samples}, ${classes}).astype('float64')
labels = numpy.arange(${samples}) * 3 % ${classes}
for subset in ${JSON.stringify(subsets)}:
    print((numpy.tensordot(numpy.array(subset, 'float64'), x, 1).argmax(axis=1) == labels).sum())`,
      values,
    );
    expect([...counts]).toEqual(expected.toString().trim().split('\n').map(Number));
  });

  it('smoothed accuracies of subsets, with temperatures', async () => {
    const labels = Int32Array.from({ length: samples }, (_, m) => (m * 3) % classes);
    const subsets = Array.from({ length: 15 }, (_, s) => Array.from({ length: models }, (_, k) => ((s + 1) >> k) & 1));
    const logits = each.map((array) => ({ dtype: 'F32' as const, source: bytesOf(array) }));
    const temperatures = Float64Array.of(0.5, 0.25, 0.5, 1.5);
    const mixtures = Float64Array.from(subsets.flat());
    const request = { logits, samples, classes, labels, mixtures, temperatures, measure: 'probability' as const };
    const { totals } = await backend.crossEntropy(request);
    const expected = numpy(
      `x = numpy.frombuffer(data, 'float32').reshape(${models}, ${samples}, ${classes}).astype('float64')
x /= numpy.array(${JSON.stringify([...temperatures])})[:, None, None]
labels = numpy.arange(${samples}) * 3 % ${classes}
for subset in ${JSON.stringify(subsets)}:
    z = numpy.tensordot(numpy.array(subset, 'float64') / sum(subset), x, 1)
    e = numpy.exp(z - z.max(axis=1, keepdims=True))
    print((e[numpy.arange(${samples}), labels] / e.sum(axis=1)).sum())`,
      values,
    );
    for (const [s, line] of expected.toString().trim().split('\n').entries()) {
      expect(totals[s]).toBeCloseTo(Number(line), 2);
    }
  });
});
