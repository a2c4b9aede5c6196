import { join } from 'node:path';
import type { Random } from '@radin/core';
import { mutant } from '../changes/bytes.js';
import { below, lie, of, once, unsigned } from '../changes/choice.js';
import { jsonMutant } from '../changes/json.js';
import type { Reader } from '../reader.js';
import { readCheckpointTensors } from './tensor-reads.js';

const DTYPES: readonly (readonly [string, number])[] = [
  ['F32', 4],
  ['F16', 2],
  ['BF16', 2],
  ['F64', 8],
  ['I64', 8],
  ['I32', 4],
  ['I8', 1],
  ['U8', 1],
  ['BOOL', 1],
  ['C64', 8],
];
const SHAPES = [[], [0], [1], [4], [2, 3], [3, 1, 2], Array<number>(64).fill(1)];

type Header = Record<string, unknown>;

/** The header of tensors of these names, and how many bytes of data there are. */
function header(
  random: Random,
  names: readonly string[],
  shapes: readonly (readonly number[])[] = SHAPES,
): [Header, number] {
  let end = 0;
  const entries = names.map((name): [string, unknown] => {
    const [dtype, bytes] = shapes === SHAPES ? of(random, DTYPES) : (['F32', 4] as const);
    const shape = of(random, shapes);
    const start = end;
    end += shape.reduce((product, size) => product * size, bytes);
    return [name, { dtype, shape, data_offsets: [start, end] }];
  });
  if (once(random, 2)) entries.push(['__metadata__', { format: 'pt', x: 'y' }]);
  return [Object.fromEntries(entries), end];
}

/** A file of a header, in half of the cases with lengths that are true. */
function safetensorsOf(random: Random, text: string, bytes: number): Buffer {
  const head = Buffer.from(once(random, 4) ? text.padEnd(Math.ceil(text.length / 8) * 8) : text);
  const length = once(random, 16) ? lie(random, head.length) : BigInt(head.length);
  const data = Buffer.alloc(once(random, 16) ? below(random, 2 * bytes + 9) : bytes);
  for (let at = 0; at < data.length; at++) data[at] = below(random, 120);
  return Buffer.concat([unsigned(length, 8), head, data]);
}

function safetensorsMutant(random: Random): Buffer {
  const names = once(random, 12) ? ['w', '__proto__', 'a.b'] : ['w', 'b', 'layer.0.weight'];
  const [fields, bytes] = header(random, names.slice(0, 1 + below(random, 3)));
  const text = once(random, 4) ? JSON.stringify(fields) : jsonMutant(random, fields);
  return safetensorsOf(random, text, bytes);
}

const INDEX = 'model.safetensors.index.json';
const SHARD = (at: number) => `model-0000${at}-of-00002.safetensors`;

/** Single files, and shards with their index. */
export const SAFETENSORS_READERS: readonly Reader[] = [
  {
    name: 'safetensors',
    mutate: (random) => {
      const bytes = safetensorsMutant(random);
      return { 'x.safetensors': once(random, 8) ? mutant(bytes, random) : bytes };
    },
    read: async (folder) => void (await readCheckpointTensors(join(folder, 'x.safetensors'))) as undefined,
  },
  {
    name: 'shards',
    mutate: (random) => {
      const parts = [['a', 'b'], ['c']].map((names) => header(random, names));
      const total = parts.reduce((sum, [, bytes]) => sum + bytes, 0);
      const map = { a: SHARD(1), b: SHARD(1), c: SHARD(2) };
      const index = { metadata: { total_size: total }, weight_map: map };
      const files = parts.map(([fields, bytes], at): [string, Buffer | string] => {
        const text = once(random, 10) ? jsonMutant(random, fields) : JSON.stringify(fields);
        return [
          SHARD(at + 1),
          once(random, 12)
            ? of(random, ['/dev/zero', '../x', SHARD(1), '/etc/hostname'])
            : safetensorsOf(random, text, bytes),
        ];
      });
      return {
        [INDEX]: Buffer.from(once(random, 4) ? JSON.stringify(index) : jsonMutant(random, index)),
        ...Object.fromEntries(files),
      };
    },
    read: async (folder) => void (await readCheckpointTensors(join(folder, INDEX))) as undefined,
  },
  {
    name: 'adapter',
    mutate: (random) => {
      const rank = 1 + below(random, 2);
      const config = {
        peft_type: 'LORA',
        r: rank,
        lora_alpha: 4,
        target_modules: ['q'],
        rank_pattern: once(random, 4) ? { q: rank } : {},
        alpha_pattern: {},
        modules_to_save: ['v'],
        use_rslora: once(random, 4),
        fan_in_fan_out: false,
        bias: 'none',
        base_model_name_or_path: 'base',
      };
      const prefix = 'base_model.model.';
      const [a, aBytes] = header(random, [`${prefix}q.lora_A.weight`], [[rank, 3]]);
      const [b, bBytes] = header(random, [`${prefix}q.lora_B.weight`], [[2, rank]]);
      // A tensor that is trained whole, in the place of the base's.
      const whole = once(random, 3) ? header(random, [`${prefix}v.weight`], [[2, 3]]) : ([{}, 0] as const);
      const behind = (part: object, bytes: number) => {
        for (const one of Object.values(part) as { data_offsets?: number[] }[])
          if (one.data_offsets !== undefined) one.data_offsets = one.data_offsets.map((offset) => offset + bytes);
        return part;
      };
      const fields = { ...a, ...behind(b, aBytes), ...behind(whole[0], aBytes + bBytes) };
      const text = once(random, 3) ? jsonMutant(random, fields) : JSON.stringify(fields);
      const [base, baseBytes] = header(random, ['q.weight', 'v.weight'], [[2, 3]]);
      return {
        'adapter_config.json': Buffer.from(once(random, 3) ? JSON.stringify(config) : jsonMutant(random, config)),
        'adapter_model.safetensors': safetensorsOf(random, text, aBytes + bBytes + whole[1]),
        'base.safetensors': safetensorsOf(random, JSON.stringify(base), baseBytes),
      };
    },
    read: async (folder) =>
      void (await readCheckpointTensors(
        join(folder, 'adapter_model.safetensors'),
        join(folder, 'base.safetensors'),
      )) as undefined,
  },
];
