import { type Backend, type Bank, listBackends, openBackend } from '@radin/native';
import { makeLogits, makeSubsets } from '../data/logits.js';
import { makeWeights } from '../data/weights.js';
import type { Answer, Bench, Entrant, Experiment } from '../experiment.js';
import { timed } from '../interleave.js';
import { allSubsets, average, mixtureRows, openBank } from '../ours.js';
import { type AveragingSize, describeWeights, modelBytes } from './averaging.js';
import { describeLogits, memoryOf, type ScoringSize } from './scoring.js';

export interface BackendSizes {
  readonly score: ScoringSize;
  readonly average: AveragingSize;
  readonly manyAverages: AveragingSize;
}

const CANDIDATES = 20_000;
const SOUPS = 25;

/** `cuda` against `cpu`: the same calls with the same arrays in host memory. None where there is no device. */
export function backendsOf({ score, average: one, manyAverages }: BackendSizes): Experiment[] {
  if (listBackends().every(({ name, available }) => name !== 'cuda' || !available)) return [];
  const sizes = [13, 20, 24].map((models) => ({ ...score, models }));
  return [
    onBank('cuda-bank', 'The bank, by backend', score, () => async (bank) => bank, true),
    onBank(
      'cuda-counts',
      `Counts of ${CANDIDATES.toLocaleString('en')} mixtures of the bank, by backend`,
      score,
      () => {
        const mixtures = mixtureRows(makeSubsets(score.models, CANDIDATES, 1), score.models);
        return (bank, threads) => bank.count(mixtures, { threads });
      },
    ),
    ...sizes.map((size) =>
      onBank(`cuda-all-subsets-${size.models}`, `All 2^${size.models} subsets, by backend`, size, () => allSubsets),
    ),
    averages('cuda-average', 'One average, F32, by backend', one, 1),
    averages('cuda-average-many', `${SOUPS} averages of one pool, F32, by backend`, manyAverages, SOUPS),
  ];
}

/** A call on the banks of both backends, which `prepareCall` gets ready; with `opens` the making of the bank counts as well. */
function onBank(
  id: string,
  title: string,
  size: ScoringSize,
  prepareCall: () => (bank: Bank, threads: number) => Promise<unknown>,
  opens = false,
): Experiment {
  const { models, samples, classes } = size;
  return {
    id,
    title,
    data: describeLogits(size),
    memory: memoryOf(size),
    prepare: async ({ seed, threadCounts }) => {
      const pool = makeLogits(models, samples, classes, { seed });
      const threads = threadCounts.at(-1) as number;
      const call = prepareCall();
      const open = (backend: Backend, by: number) => openBank(pool, by, undefined, backend);
      const banks = new Map<string, Bank>();
      if (!opens) for (const { name, backend } of backends()) banks.set(name, await open(backend, threads));
      const run = async ({ name, backend }: Named, by: number) => {
        const bank = banks.get(name) ?? (await open(backend, by));
        try {
          return await call(bank, by);
        } finally {
          if (opens) bank.close();
        }
      };
      return {
        bytes: { read: 4 * models * samples * classes, write: 0 },
        entrants: backends().map((backend): Entrant => entrant(backend, (by) => run(backend, by), threads, opens)),
        differ,
        dispose: () => {
          for (const bank of banks.values()) bank.close();
        },
      };
    },
  };
}

function averages(id: string, title: string, size: AveragingSize, soups: number): Experiment {
  return {
    id,
    title,
    data: describeWeights(size, 'F32'),
    memory: (size.models + 2 * soups + 4) * modelBytes(size, 'F32'),
    prepare: async ({ seed, threadCounts }: Bench) => {
      const pool = makeWeights(size.models, size.tensors, 'F32', seed);
      const all = [...pool.models.keys()];
      const subsets = Array.from({ length: soups }, (_, s) => (soups === 1 ? all : all.toSpliced(s % all.length, 1)));
      const threads = threadCounts.at(-1) as number;
      return {
        bytes: { read: size.models * pool.bytes, write: soups * pool.bytes },
        entrants: backends().map((backend): Entrant => {
          const outputs = subsets.map(() => new Uint8Array(pool.bytes));
          const run = async (by: number) => {
            await average(pool, subsets, outputs, by, backend.backend);
            return outputs;
          };
          return entrant(backend, run, threads);
        }),
        differ,
        dispose: () => {},
      };
    },
  };
}

interface Named {
  readonly name: string;
  readonly backend: Backend;
}

const backends = (): Named[] => ['cpu', 'cuda'].map((name) => ({ name, backend: openBackend(name) }));

function entrant(
  { name }: Named,
  run: (threads: number) => Promise<unknown>,
  threads: number,
  hasNoAnswer = false,
): Entrant {
  return {
    name: `radin: ${name}`,
    side: 'ours',
    steps: 1,
    run: (by) => timed(() => run(by))(1),
    ...(!hasNoAnswer && { answer: async () => numbersOf(await run(threads)) }),
  };
}

/** All numbers of an answer, or for gigabytes of them the bytes of every so many. */
function numbersOf(answer: unknown): Answer {
  if (ArrayBuffer.isView(answer)) return answer as Float64Array;
  if (Array.isArray(answer)) return answer.flatMap((bytes: Uint8Array) => [...everySo(bytes)]);
  return Object.values(answer as object).flatMap((values: Float64Array) => [...values]);
}

function* everySo(bytes: Uint8Array): Iterable<number> {
  for (let at = 0; at < bytes.length; at += 997) yield bytes[at] as number;
}

/** Backends give the same bits. */
function differ(answer: Answer, expected: Answer): string | undefined {
  const count = Array.from(answer).filter((value, i) => value !== expected[i]).length;
  return count === 0 && answer.length === expected.length ? undefined : `${count} numbers differ`;
}
