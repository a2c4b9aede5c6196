import { messageMutant } from '../changes/protobuf.js';
import type { Reader } from '../reader.js';
import { runRadin } from '../run-radin.js';
import { tinyGraph, tinyPool } from '../seeds/pool.js';

/** Graphs that pass our checks run in a process of their own, whatever they do: the one that asked must live and say what was wrong. */
export const GRAPH_READER: Reader = {
  name: 'graph',
  startsProcesses: true,
  mutate: (random) => ({ ...tinyPool(), 'model.onnx': messageMutant(random, tinyGraph()) }),
  read: async (folder) => {
    const { code, output } = await runRadin([
      'evaluate',
      folder,
      'm1',
      '--no-cache',
      '--evaluation-timeout',
      '3',
      '--evaluation-memory',
      '1GB',
      '--threads',
      '1',
      '--json',
      '--quiet',
    ]);
    if (code === 0) return undefined;
    if (code === 2 && /^radin: error: [^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,2000}\n$/u.test(output))
      throw Object.assign(new Error(output), { name: 'RadinError' });
    throw new Error(`exit code ${code}: ${output}`);
  },
};
