import { join } from 'node:path';
import { type Labels, openLogits, readLabels, readTaskLabels, TASKS } from '@radin/core';
import { readGroups } from '../../../core/dist/data/index.js';
import { mutant } from '../changes/bytes.js';
import { below, of, once } from '../changes/choice.js';
import { npyMutant, zerosAndOnes } from '../changes/npy.js';
import { type ZipFile, zipMutant } from '../changes/zip.js';
import type { Reader } from '../reader.js';
import { attempts } from './attempts.js';
import { readNpyTensors, readNpzTensors } from './tensor-reads.js';

/** Single arrays, archives of them, and what is made of them: labels, groups and logits. */
export const ARRAY_READERS: readonly Reader[] = [
  {
    name: 'npy',
    peer: { name: 'numpy', file: 'x.npy', explained: [] },
    mutate: (random) => {
      const bytes = npyMutant(random);
      return { 'x.npy': once(random, 4) ? mutant(bytes, random) : bytes };
    },
    read: (folder) => readNpyTensors(join(folder, 'x.npy')),
  },
  {
    name: 'npz',
    peer: {
      name: 'numpy',
      file: 'x.npz',
      explained: [
        [/zip file version/, 'the version that an entry asks for says nothing of entries that are stored or deflated'],
      ],
    },
    mutate: (random) => {
      const files = Array.from({ length: 1 + below(random, 3) }, (_, at): ZipFile => {
        const name = once(random, 10) ? of(random, ['x', 'a.npy', 'b/c.npy', 'x.npy.npy', '']) : `a${at}.npy`;
        return { name, bytes: npyMutant(random, false, 6), deflated: once(random, 2) };
      });
      const bytes = zipMutant(random, files);
      return { 'x.npz': once(random, 8) ? mutant(bytes, random) : bytes };
    },
    read: async (folder) => {
      const tensors = await readNpzTensors(join(folder, 'x.npz'));
      // Whether an archive of nothing is one, NumPy asks its first bytes.
      return tensors.length > 0 ? tensors : undefined;
    },
  },
  {
    name: 'labels',
    mutate: (random) => {
      if (once(random, 3)) return { 'x.npy': npyMutant(random), 'y.npy': npyMutant(random) };
      // Both have to fit, so that at most one of them is changed.
      const samples = 1 + below(random, 4);
      const labels = zerosAndOnes(random, [samples, ...of(random, [[], [1], [2], [3]])]);
      const groups = zerosAndOnes(random, [samples]);
      const changed = below(random, 3);
      return {
        'x.npy': changed === 0 ? mutant(labels, random) : labels,
        'y.npy': changed === 1 ? mutant(groups, random) : groups,
      };
    },
    read: async (folder) => {
      const path = join(folder, 'x.npy');
      const withGroups = (labels: () => Promise<Labels>) => async () =>
        readGroups(join(folder, 'y.npy'), await labels());
      await attempts(
        withGroups(() => readLabels(path)),
        ...TASKS.map((name) => withGroups(() => readTaskLabels(path, { name }))),
      );
      return undefined;
    },
  },
  {
    name: 'logits',
    mutate: (random) => ({ 'x.npy': npyMutant(random, true) }),
    read: async (folder) => {
      const file = await openLogits(join(folder, 'x.npy'));
      try {
        const { values } = await file.read();
        if (!values.every(Number.isFinite)) throw new Error('logits that are not finite were read');
      } finally {
        await file.close();
      }
      return undefined;
    },
  },
];
