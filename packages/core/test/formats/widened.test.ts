import { expect, test } from 'vitest';
import type { Dtype, TensorInfo } from '../../src/formats/dtype.js';
import { openSafetensors, widenedTensors, writeSafetensors } from '../../src/formats/index.js';
import { fromHalf } from '../../src/logits/convert.js';
import { scratch } from './scratch.js';

async function widened(from: Dtype, to: Dtype, values: Uint16Array | Float32Array, begin = 0): Promise<Uint8Array> {
  const path = scratch('model.safetensors');
  const bytes = new Uint8Array(values.buffer);
  const info = { name: 'w', dtype: from, shape: [values.length], byteLength: bytes.length };
  await writeSafetensors(path, [info], new Map(), (_, write) => write(bytes));
  const file = widenedTensors(await openSafetensors(path), new Map([['w', to]]));
  const [{ byteLength }] = file.tensors as readonly [TensorInfo];
  const target = new Uint8Array(byteLength - begin);
  await file.read('w', target, begin).finally(() => file.close());
  return target;
}

const every = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);

test('every F16 number is the same in F32 and F64', async () => {
  const expected = Array.from(every, fromHalf);
  const single = new Float32Array((await widened('F16', 'F32', every)).buffer);
  expect(single.findIndex((value, at) => !Object.is(value, expected[at]))).toBe(-1);
  const double = new Float64Array((await widened('F16', 'F64', every)).buffer);
  expect(double.findIndex((value, at) => !Object.is(value, expected[at]))).toBe(-1);
});

test('BF16 is the upper half of F32, and F32 widens to F64', async () => {
  const words = new Uint32Array((await widened('BF16', 'F32', every)).buffer);
  expect(words.findIndex((word, at) => word !== at * 2 ** 16)).toBe(-1);
  const values = Float32Array.of(0.1, -0, Number.POSITIVE_INFINITY, 2 ** -149);
  expect([...new Float64Array((await widened('F32', 'F64', values)).buffer)]).toEqual([...values]);
});

test('parts that begin anywhere are those of the whole', async () => {
  const whole = await widened('F16', 'F32', every);
  for (const begin of [1, 6, 2 ** 17 + 3]) {
    expect(Buffer.compare(await widened('F16', 'F32', every, begin), whole.subarray(begin))).toBe(0);
  }
});
