import type { Random } from '@radin/core';
import { NUMBERS, TEXTS } from './bytes.js';
import { below, lie, of, once, unsigned } from './choice.js';

const DTYPES = ['f2', 'f4', 'f8', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'b1'];
const ODD_DTYPES = [
  "'|O'",
  "'<c8'",
  "'<U4'",
  "[('a', '<f4')]",
  "'=f4'",
  "'f4'",
  'None',
  "b'<f4'",
  "'>b1'",
  "'|i1'",
  "'<f16'",
];
const SHAPES = [[], [0], [1], [4], [2, 3], [3, 1, 2], [2, 0, 3], Array<number>(32).fill(1), Array<number>(64).fill(1)];
/** More than this is not written where a shape asks for it. */
const MOST_DATA = 4096;

const tuple = (shape: readonly (number | string)[]) =>
  shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;

/**
 * An `.npy` file, field by field, of which some are wrong: magic, version, order of bytes, type, order, shape, further or missing keys,
 * lengths. Two thirds of the files have data as long as their shape says.
 * @param rarer how many times less is wrong
 */
export function npyMutant(random: Random, floats = false, rarer = 1): Buffer {
  const type = of(random, floats ? DTYPES.slice(0, 3) : DTYPES);
  const shape: (number | string)[] = [
    ...of(
      random,
      floats && once(random, 2)
        ? [
            [2, 3],
            [4, 2],
          ]
        : SHAPES,
    ),
  ];
  const wrong = (times: number) => once(random, times * rarer);
  if (wrong(4))
    shape.splice(
      below(random, shape.length + 1),
      below(random, 2),
      wrong(2) ? of(random, NUMBERS) : Number(lie(random, 2)),
    );
  const descr = wrong(6)
    ? of(random, [...ODD_DTYPES, `'${of(random, TEXTS)}'`])
    : `'${of(random, ['<', '>', '|', '='].slice(0, wrong(8) ? 4 : 2))}${type}'`;
  const order = of(random, ['False', 'False', 'False', 'True', ...(wrong(6) ? ['0', 'None', 'false'] : [])]);
  const keys = [`'descr': ${descr}`, `'fortran_order': ${order}`, `'shape': ${tuple(shape)}`];
  if (wrong(8)) keys.sort(() => below(random, 3) - 1);
  if (wrong(10))
    keys.splice(below(random, 4), below(random, 2), ...(wrong(2) ? [`'${of(random, TEXTS)}': 1`] : [of(random, keys)]));
  const text = `{${keys.join(', ')}, }`;
  const version = wrong(8) ? below(random, 5) : of(random, [1, 1, 2, 3]);
  const width = version === 1 ? 2 : 4;
  const padded = wrong(8) ? text : `${text.padEnd(Math.ceil((text.length + 9 + width) / 64) * 64 - 9 - width)}\n`;
  const header = Buffer.from(padded, 'latin1');
  const length = wrong(8) ? lie(random, header.length) : BigInt(header.length);
  const elements = shape.reduce<number>((product, size) => product * Number(size), 1);
  const bytes = elements * Number(type.slice(1));
  const right = bytes >= 0 && bytes <= MOST_DATA;
  const data = Buffer.alloc(right && !wrong(3) ? bytes : below(random, 40));
  for (let at = 0; at < data.length; at++) data[at] = type === 'b1' && !wrong(20) ? at % 2 : below(random, 256);
  const magic = Buffer.from(wrong(20) ? '\x93NUMPX' : '\x93NUMPY', 'latin1');
  return Buffer.concat([magic, Buffer.of(version, 0), unsigned(length, width), header, data]);
}

/** An `.npy` file of zeros and ones as it should be, which is labels of most tasks, or groups. */
export function zerosAndOnes(random: Random, shape: readonly number[]): Buffer {
  const type = of(random, ['u1', 'i4', 'i8']);
  const text = `{'descr': '<${type}', 'fortran_order': ${of(random, ['False', 'True'])}, 'shape': ${tuple(shape)}, }`;
  const header = Buffer.from(`${text.padEnd(117)}\n`, 'latin1');
  const width = Number(type.slice(1));
  const data = Buffer.alloc(width * shape.reduce((product, size) => product * size, 1));
  for (let at = 0; at < data.length; at += width) data[at] = below(random, 2);
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\0', 'latin1'), unsigned(BigInt(header.length), 2), header, data]);
}
