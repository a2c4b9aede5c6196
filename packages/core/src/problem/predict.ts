import { leastAverageMemory, leastGramMemory } from '@radin/native';
import { RadinError } from '../errors/index.js';

const MiB = 2 ** 20;

/** Node twice, the libraries, windows that files are hashed and written in, and what the garbage collectors have not come to yet. */
const PROCESS_BYTES = 240 * MiB;
/** A thread of ONNX Runtime with its session, what it computes of one batch, and the window that weights are read in. */
const THREAD_BYTES = 56 * MiB;
/** The process in which the statistics of BatchNorm layers are estimated, without its threads, and what comes from it. */
const ESTIMATOR_BYTES = 120 * MiB;
/** What averages and Gram matrices take where nothing limits them, and of that a thread. */
const [MOST_WORK, THREAD_WORK] = [256 * MiB, 64 * MiB];
/** A model's weights in each thread: shared with all threads, and in the one that feeds them. */
const WEIGHT_COPIES = 2;
/** A model's logits while it is evaluated: as they come, and once more as they are scored or written. */
const LOGITS_COPIES = 2;
/** Soups that races keep open where nothing limits them: at least so many, and of small ones so many bytes. */
const [LEAST_OPEN, OPEN_BYTES] = [4, 2 ** 30];
/**
 * What the bank of stage 1 keeps of the logits, twice while it is made: classes that no mixture can choose are left out. Of 1000
 * classes about a thousandth is kept and two hundredths with ruined models, of 10 classes a fifth.
 */
const [BANK_SHARE, LARGEST_SHARE, BANK_BYTES] = [0.02, 0.2, 16 * MiB];
/** Logits that a thread of stage 1 reads from files at once, or those of one sample of all models. */
const READER_BYTES = 32 * MiB;
/** A mixture that is proposed, scored and ranked, besides its weights. */
const MIXTURE_BYTES = 400;

/** What the memory and the disk that a run takes depend on. */
export interface RunSizes {
  /** N. */
  readonly models: number;
  /** Of one model's tensors, bytes. */
  readonly weightBytes: number;
  /** Of the graph's file, bytes; 0 where there is none. */
  readonly graphBytes: number;
  readonly splits: readonly {
    /** Of logits: M, or the number of tokens that count. */
    readonly rows: number;
    /** Whether the logits of all models are kept, and not only those of a few soups looked at. */
    readonly ofAllModels: boolean;
  }[];
  /** C. */
  readonly classes: number;
  readonly threads: number;
  /** Mixtures that are scored and ranked. */
  readonly mixtures: number;
  /** Whether a number is kept for each of the 2^N subsets. */
  readonly everySubset?: boolean;
  /** Soups that race, of which several stay open; 0 for none. */
  readonly racing: number;
  /** Whether the statistics of BatchNorm layers are estimated anew, in a process of its own. */
  readonly estimating?: boolean;
  /** Of what is remembered of evaluated soups, bytes. */
  readonly remembered?: number;
  /** Whether programs evaluate, which have the weights in their own memory. */
  readonly byPrograms?: boolean;
}

/** How a limit is divided. */
export interface MemoryShares {
  /** Models that are evaluated, and soups that are open, at once; as many threads run them. */
  readonly atOnce: number;
  /** Bytes that weights may take in all threads together. */
  readonly weights: number;
  /** Bytes that the models' logits may take in memory, all splits together. */
  readonly logits: number;
  /** Bytes of work space of averages and Gram matrices. */
  readonly work: number;
}

/** What a run takes at most, in bytes. */
export interface Prediction {
  readonly peakMemory: number;
  readonly disk: number;
}

/** Told what a step takes at most, in bytes, before it begins; undefined where a program evaluates, of which it is not known. */
export type PredictionListener = (peakMemory: number | undefined) => void;

/** Bytes of the logits of all models on the splits of which they are kept. */
export function logitsBytes({ models, splits, classes }: RunSizes): number {
  const kept = splits.filter(({ ofAllModels }) => ofAllModels);
  return kept.reduce((sum, { rows }) => sum + models * rows * classes * Float32Array.BYTES_PER_ELEMENT, 0);
}

/** One model's logits on the largest split. */
function singleLogits({ splits, classes }: RunSizes): number {
  return Math.max(0, ...splits.map(({ rows }) => rows)) * classes * Float32Array.BYTES_PER_ELEMENT;
}

/** What stage 1 keeps, whatever the limit. */
function scoring(sizes: RunSizes): number {
  const { models, splits, mixtures, everySubset } = sizes;
  const logits = logitsBytes(sizes) / Math.max(1, splits.filter((split) => split.ofAllModels).length);
  const bank = Math.min(LARGEST_SHARE * logits, BANK_BYTES + BANK_SHARE * logits);
  const subsets = everySubset ? 2 ** models * 8 : 0;
  return 2 * bank + subsets + mixtures * (models * Float64Array.BYTES_PER_ELEMENT + MIXTURE_BYTES);
}

/** Of the whole run, with `running` bytes for weights, logits and averages. */
function peakOf(sizes: RunSizes, running: number): number {
  // The graph is needed only until the evaluator runs, and counts all the same: the garbage collector may leave it where it is.
  return PROCESS_BYTES + sizes.graphBytes + scoring(sizes) + estimator(sizes) + (sizes.remembered ?? 0) + running;
}

/** What estimates statistics has one soup at a time, once for all threads, and graphs that end at the layers. */
function estimator({ estimating, graphBytes, weightBytes }: RunSizes): number {
  return estimating ? ESTIMATOR_BYTES + graphBytes + weightBytes : 0;
}

function perThread(sizes: RunSizes): number {
  const { weightBytes, estimating, byPrograms } = sizes;
  const weights = byPrograms ? 0 : WEIGHT_COPIES * weightBytes;
  const estimates = estimating ? THREAD_BYTES + weightBytes : 0;
  return THREAD_BYTES + weights + LOGITS_COPIES * singleLogits(sizes) + estimates;
}

function leastWork({ models }: RunSizes): number {
  return Math.max(leastAverageMemory(models), leastGramMemory(models));
}

/** Threads have no use for more. */
function mostWork(sizes: RunSizes): number {
  return Math.min(MOST_WORK, Math.max(leastWork(sizes), sizes.threads * THREAD_WORK));
}

/** The smallest limit that a run can keep to, in bytes. */
export function leastMemory(sizes: RunSizes): number {
  return peakOf(sizes, leastWork(sizes) + perThread(sizes));
}

/**
 * Bytes of work space for an average of N models that leave the rest of the limit to the process, and what both take at most.
 * @throws RadinError where the limit is too small
 */
export function averageMemory(limit: number, models: number): { readonly work: number; readonly peakMemory: number } {
  return workMemory(limit, PROCESS_BYTES, leastAverageMemory(models), 'an average');
}

/** The same for the distances between N models, beside the graph's file, which is read for the models and once more for the data. @throws RadinError where the limit is too small */
export function inspectionMemory(
  limit: number,
  { models, graphBytes }: Pick<RunSizes, 'models' | 'graphBytes'>,
): { readonly work: number; readonly peakMemory: number } {
  return workMemory(limit, PROCESS_BYTES + 2 * graphBytes, leastGramMemory(models), 'an inspection');
}

function workMemory(limit: number, held: number, leastWork: number, what: string) {
  const least = held + leastWork;
  if (limit < least) throw tooSmall(limit, least, what);
  const work = Math.min(MOST_WORK, limit - held);
  return { work, peakMemory: held + work };
}

/** What scoring takes besides stage 1's own, in bytes. */
export interface ScoringExtras {
  /** While a model's logits are read that are not scored where they are; 0 where they are. */
  readonly reading: number;
  /** Whether the metric looks at averaged logits. */
  readonly averages: boolean;
}

/** How scoring keeps to a limit. */
export interface ScoringShares {
  readonly threads: number;
  /** Bytes that logits may take in memory which are not scored where they are. */
  readonly logits: number;
  /** What all takes at most. */
  readonly peakMemory: number;
}

/**
 * Divides a limit between threads that read logits for stage 1, at most `threads`, and logits that have to be kept somewhere.
 * @throws RadinError where it is too small
 */
export function scoringMemory(limit: number, sizes: RunSizes, { reading, averages }: ScoringExtras): ScoringShares {
  const { models, classes, threads: wanted } = sizes;
  const reader = Math.max(READER_BYTES, models * classes * Float32Array.BYTES_PER_ELEMENT);
  const averaged = averages ? Math.max(READER_BYTES, singleLogits(sizes)) : 0;
  // Of the logits of the model before, the garbage collector may leave what was read.
  const least = PROCESS_BYTES + scoring(sizes) + Math.max(reader + averaged, 2 * reading);
  if (limit < least) throw tooSmall(limit, least, 'one thread');
  const threads = Math.max(1, Math.min(wanted, Math.floor((limit - least) / reader) + 1));
  const working = Math.ceil(least + (threads - 1) * reader);
  const logits = reading === 0 ? 0 : logitsBytes(sizes);
  const peakMemory = working + logits <= limit ? working + logits : working;
  return { threads, logits: limit - working, peakMemory };
}

function tooSmall(limit: number, least: number, what: string): RadinError {
  return new RadinError(
    'CONFIG',
    `Expected --max-memory of at least ${Math.ceil(least / MiB)}MiB, which ${what} on this pool needs, but found ${Math.floor(limit / MiB)}MiB`,
  );
}

/**
 * Divides a limit: first what nothing can do without, then threads, then logits in memory.
 * @throws RadinError where the limit is too small, with what is needed at least
 */
export function shareMemory(limit: number, sizes: RunSizes): MemoryShares {
  const least = leastMemory(sizes);
  if (limit < least) throw tooSmall(limit, least, 'one thread');
  const spare = limit - least;
  const work = Math.min(mostWork(sizes), leastWork(sizes) + Math.floor(spare / 4));
  const left = limit - peakOf(sizes, work);
  const atOnce = Math.max(1, Math.min(sizes.threads, Math.floor(left / perThread(sizes))));
  return {
    atOnce,
    work,
    weights: atOnce * WEIGHT_COPIES * sizes.weightBytes,
    logits: Math.max(0, Math.floor(left - atOnce * perThread(sizes))),
  };
}

/**
 * Peak memory and disk of a run from sizes alone. Memory is an upper estimate, since not all of it is needed at the same time:
 * docs/preflight.md has measured peaks.
 * @param shares where memory is limited
 * @param cached whether results are kept for later runs
 */
export function predictRun(sizes: RunSizes, shares: MemoryShares | undefined, cached: boolean): Prediction {
  const { models, weightBytes, threads, racing } = sizes;
  const logits = logitsBytes(sizes);
  const most = Math.max(LEAST_OPEN, Math.floor(OPEN_BYTES / Math.max(1, weightBytes)));
  // Each thread has the weights of one open soup.
  const open = shares === undefined ? Math.max(0, Math.min(racing, most) - threads) : 0;
  const inMemory = shares === undefined || logits <= shares.logits;
  const work = Math.min(shares?.work ?? mostWork(sizes), 2 * models * weightBytes);
  const running = (shares?.atOnce ?? threads) * perThread(sizes) + open * weightBytes + (inMemory ? logits : 0);
  const peakMemory = peakOf(sizes, work + running);
  const disk = weightBytes + (cached ? logits : 0) + (inMemory ? 0 : logits);
  return { peakMemory: Math.ceil(peakMemory), disk: Math.ceil(disk) };
}
