import { join } from 'node:path';
import type { Random } from '@radin/core';
import { mutant } from '../changes/bytes.js';
import { below, of, once } from '../changes/choice.js';
import { type Field, messageMutant, ONNX, parseMessage, writeMessage } from '../changes/protobuf.js';
import type { Reader } from '../reader.js';
import { fixture } from '../seeds/repository.js';
import { readOnnxTensors } from './tensor-reads.js';

export const INLINE = [
  'typed.onnx',
  'subgraph.onnx',
  'torch.onnx',
  'ir-version-3.onnx',
  'onnx-models/inline/a.onnx',
  'onnx-models/typed/a.onnx',
]
  .map(fixture)
  .map((bytes) => ({ bytes, fields: parseMessage(bytes, ONNX, 'Model') }));
const EXTERNAL = parseMessage(fixture('onnx-models/external/a.onnx'), ONNX, 'Model');
const EXTERNAL_DATA = fixture('onnx-models/external/a.bin');

const LOCATIONS = [
  'a.bin',
  './a.bin',
  'sub/../a.bin',
  '../a.bin',
  '/etc/hostname',
  '/proc/self/mem',
  'link.bin',
  '*/_ORT_MEM_ADDR_/*',
  '',
  '.',
  'a.bin\0',
  'pipe',
  'A.BIN',
  'sub',
  '..\\a.bin',
  '%2e%2e/a.bin',
];

/** Values of the entries of external data, which a change of any field seldom meets. */
function changeEntries(random: Random, fields: readonly Field[]): void {
  for (const { number, value } of fields) {
    if (!Array.isArray(value)) continue;
    changeEntries(random, value);
    if (number !== 13 || !once(random, 30)) continue;
    const text = value.find((entry) => entry.number === 2);
    const key = value.find((entry) => entry.number === 1)?.value.toString();
    if (text === undefined) continue;
    const numbers = ['0', '-1', '4', '4096', '1e3', ' 8', '0x8', '18446744073709551616', '9007199254740993', '', '٣'];
    text.value = Buffer.from(key === 'location' ? of(random, LOCATIONS) : of(random, numbers));
  }
}

/** External data without a length are of the tensor's size, as ONNX Runtime has it, and not what is left of the file. */
const MISSING_LENGTH = [
  [/cannot reshape array of size \d+ into shape/, 'no length of external data'],
  [/buffer size must be a multiple of element size/, 'no length of external data'],
] as const;

/** Models with their weights inside, and beside them. */
export const ONNX_READERS: readonly Reader[] = [
  {
    name: 'onnx',
    peer: { name: 'onnx', file: 'x.onnx', explained: [] },
    mutate: (random) => {
      const { bytes, fields } = of(random, INLINE);
      return { 'x.onnx': once(random, 5) ? mutant(bytes, random) : messageMutant(random, fields) };
    },
    read: (folder) => readOnnxTensors(join(folder, 'x.onnx')),
  },
  {
    name: 'onnx-external',
    peer: { name: 'onnx', file: 'x.onnx', explained: MISSING_LENGTH },
    mutate: (random) => {
      const fields = parseMessage(writeMessage(EXTERNAL), ONNX, 'Model');
      changeEntries(random, fields);
      const bytes = once(random, 3) ? messageMutant(random, fields) : writeMessage(fields);
      const data = once(random, 8)
        ? of(random, ['/dev/zero', '../x.bin', '/etc/hostname', 'x.onnx', 'a.bin'])
        : EXTERNAL_DATA.subarray(0, EXTERNAL_DATA.length - (once(random, 8) ? below(random, 64) : 0));
      return {
        'x.onnx': bytes,
        'a.bin': data,
        'link.bin': of(random, ['a.bin', '/etc/hostname', '../../x', '/dev/zero']),
      };
    },
    read: (folder) => readOnnxTensors(join(folder, 'x.onnx')),
  },
];
