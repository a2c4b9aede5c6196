import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FloatDtype } from '../lib/backend.js';
import { FLOAT_FORMATS } from '../lib/float-formats.js';

const view = new DataView(new ArrayBuffer(8));

function round(dtype: FloatDtype, value: number): number {
  FLOAT_FORMATS[dtype].write(view, 0, value);
  return view.getUint16(0, true);
}

/** The value of finite 16-bit float bits, from the definition: (−1)^s · significand · 2^exponent. */
function decode(bits: number, fractionBits: number, bias: number): number {
  const field = (bits & 0x7fff) >> fractionBits;
  const fraction = (bits & ((1 << fractionBits) - 1)) / (1 << fractionBits);
  const magnitude = field === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (field - bias);
  return bits & 0x8000 ? -magnitude : magnitude;
}

const LAYOUTS = [
  { dtype: 'F16', fractionBits: 10, bias: 15, infinity: 0x7c00, quietNaN: 0x7e00 },
  { dtype: 'BF16', fractionBits: 7, bias: 127, infinity: 0x7f80, quietNaN: 0x7fc0 },
] as const;

describe.each(LAYOUTS)('$dtype', ({ dtype, fractionBits, bias, infinity, quietNaN }) => {
  const valueAt = (bits: number) => decode(bits, fractionBits, bias);

  it('reads all 65536 bit patterns and writes them back', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      view.setUint16(0, bits, true);
      const value = FLOAT_FORMATS[dtype].read(view, 0);
      const magnitude = bits & 0x7fff;
      const expected =
        magnitude > infinity ? NaN : magnitude === infinity ? (bits & 0x8000 ? -Infinity : Infinity) : valueAt(bits);
      if (!Object.is(value, expected)) expect.fail(`${bits} reads as ${value}, not ${expected}`);
      const written = round(dtype, value);
      if (written !== (magnitude > infinity ? quietNaN : bits)) expect.fail(`${bits} writes back as ${written}`);
    }
  });

  it('rounds what lies between two neighbours to the nearer, and the middle to the even one', () => {
    for (let bits = 0; bits < infinity; bits++) {
      const low = valueAt(bits);
      const high = bits + 1 < infinity ? valueAt(bits + 1) : 2 * low - valueAt(bits - 1);
      const middle = low + (high - low) / 2;
      const gap = high - low;
      const cases = [
        [middle, bits % 2 === 0 ? bits : bits + 1],
        // so near the middle that a detour through float32 would put them on it
        [middle - gap * 2 ** -36, bits],
        [middle + gap * 2 ** -36, bits + 1],
      ] as const;
      for (const [value, expected] of cases) {
        if (round(dtype, value) !== expected) expect.fail(`${value} rounds to ${round(dtype, value)}, not ${expected}`);
        if (round(dtype, -value) !== expected + 0x8000) expect.fail(`${-value} rounds wrongly`);
      }
    }
  });

  it('writes any float64 as one of its two neighbours, the nearer', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        const magnitude = Math.abs(value);
        let nearest = 0;
        for (let step = 0x4000; step > 0; step >>= 1) {
          if (nearest + step < infinity && valueAt(nearest + step) <= magnitude) nearest += step;
        }
        const written = round(dtype, magnitude);
        const largest = valueAt(infinity - 1);
        const overflow = largest + (largest - valueAt(infinity - 2)) / 2;
        if (magnitude >= overflow) expect(written).toBe(infinity);
        else expect([nearest, nearest + 1]).toContain(written);
        if (magnitude < largest) {
          const other = written === nearest ? nearest + 1 : nearest;
          expect(Math.abs(valueAt(written) - magnitude)).toBeLessThanOrEqual(Math.abs(valueAt(other) - magnitude));
        }
      }),
    );
  });
});

it('F32 and F64 write one quiet NaN whatever the payload', () => {
  for (const [dtype, expected] of [
    ['F32', 0x7fc00000n],
    ['F64', 0x7ff8000000000000n],
  ] as const) {
    view.setBigUint64(0, 0n, true);
    FLOAT_FORMATS[dtype].write(view, 0, -NaN);
    expect(view.getBigUint64(0, true)).toBe(expected);
  }
});
