import { join } from 'node:path';
import { mutant } from '../changes/bytes.js';
import { below, lie, of, once } from '../changes/choice.js';
import { pickleMutant } from '../changes/pickle.js';
import { program } from '../changes/pickle-program.js';
import { type ZipFile, zipMutant } from '../changes/zip.js';
import type { Reader } from '../reader.js';
import { fixture } from '../seeds/repository.js';
import { readCheckpointTensors } from './tensor-reads.js';

const SEEDS = ['dtypes', 'layouts', 'parameters', 'protocol-4', 'several', 'training', 'data-parallel'].map((name) =>
  fixture(`pytorch/${name}.pt`),
);

/** Checkpoints of torch.save: programs of pickle operations in archives, both changed. */
export const PYTORCH_READERS: readonly Reader[] = [
  {
    name: 'pytorch',
    peer: {
      name: 'torch',
      file: 'x.pt',
      explained: [
        [/\bversion\b/, 'the version of the format, which says nothing of tensors, is not read'],
        [/unsupported multidisk/, 'the part of an entry says nothing where all of the archive is one part'],
        [/not in a subdirectory/, 'entries outside of the folder are not read'],
        [/attribute '_rebuild_tensor_v3'/, 'a function that newer versions of torch have'],
        [/_rebuild_tensor_v2\(\) takes 6 /, 'metadata, which newer versions of torch have, and which are empty'],
      ],
    },
    mutate: (random) => {
      if (once(random, 8)) return { 'x.pt': mutant(of(random, SEEDS), random) };
      const made = program(random);
      const files: ZipFile[] = [{ name: 'm/data.pkl', bytes: pickleMutant(random, made) }];
      for (const [key, { bytes, booleans }] of made.storages) {
        const size = once(random, 40) ? Number(lie(random, bytes) & 0xfffn) : bytes;
        const data = Buffer.alloc(size);
        for (let at = 0; at < size; at++) data[at] = below(random, 2) * (booleans ? 1 : below(random, 50));
        files.push({ name: `m/data/${key}`, bytes: data });
      }
      if (!once(random, 20)) files.push({ name: 'm/version', bytes: Buffer.from('3\n') });
      if (once(random, 8)) files.push({ name: 'm/byteorder', bytes: Buffer.from(once(random, 4) ? 'big' : 'little') });
      // What makes a program of it.
      if (once(random, 60))
        files.push({ name: of(random, ['m/constants.pkl', 'm/code/x.py']), bytes: Buffer.of(0x4e) });
      return { 'x.pt': zipMutant(random, files, once(random, 4) ? 1 + below(random, 2) : 0) };
    },
    read: (folder) => readCheckpointTensors(join(folder, 'x.pt')),
  },
];
