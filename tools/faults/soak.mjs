/**
 * Searches without end in one process, as a program that uses the library makes them: what they take must not grow.
 * Arguments: an empty folder, minutes, a seed. Started by `startSoak` with what makes memory tell.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accuracy, adaptive, bestIndividual, ContentCache, Problem, radin, SAMPLERS, writeSoup } from '@radin/core';
import { ORDINARY, writePool } from './pools.mjs';

const MODELS = 13;
const CANDIDATES = 200;
/** Evaluations of a search, so that a round takes about a second. */
const BUDGET = 10;
/** Rounds until caches and the allocator have their size. */
const WARM_UP = 40;
const LEAST_ROUNDS = 100;
/**
 * What may become more in each search. Without compiled code the heap stays within some KiB over hundreds of searches, and the process
 * to the page: 1 KiB is one small object kept, 4 KiB less than the logits of one model, 16 KiB.
 */
const ALLOWED = { heapKiB: 1, residentKiB: 4, descriptors: 0, threads: 0, children: 0 };

const [scratch, minutes, seed] = process.argv.slice(2);
process.exit((await soak(scratch, Number(minutes), Number(seed))) ? 0 : 1);

async function soak(scratch, minutes, seed) {
  const folder = join(scratch, 'pool');
  mkdirSync(folder);
  await writePool(folder, { ...ORDINARY, models: MODELS, samples: 1000, seed: seed + 1 });
  const cache = await ContentCache.open(join(scratch, 'cache'));
  const until = Date.now() + 60_000 * minutes;
  const rounds = [];
  const first = new Map();
  for (let round = 0; Date.now() < until || round < LEAST_ROUNDS; round++) {
    const kind = round % 3;
    const found = await search(folder, join(scratch, 'soup.safetensors'), round % 2 === 0 ? undefined : cache, kind);
    if ((first.get(kind) ?? found) !== found) {
      console.log(`round ${round}: the same search found something else`);
      return false;
    }
    first.set(kind, found);
    rounds.push(await measure());
    if (round % 50 === 0) console.log(`round ${round}: ${JSON.stringify(rounds.at(-1))}`);
  }
  const settled = rounds.slice(WARM_UP);
  console.log(
    `${rounds.length} searches of ${MODELS} models with ${CANDIDATES} candidates, after the first ${WARM_UP}:`,
  );
  const grown = Object.entries(ALLOWED).filter(([what, allowed]) => {
    const values = settled.map((one) => one[what]);
    const slope = medianSlope(values);
    const range = `${Math.min(...values)} to ${Math.max(...values)}`;
    console.log(`  ${what}: ${slope.toFixed(3)} more for each search (allowed: ${allowed}), ${range}`);
    return slope > allowed;
  });
  return grown.length === 0;
}

/** One search from opening to the soup's file. @returns what it found */
async function search(folder, out, cache, kind) {
  const split = (name) => ({ inputs: join(folder, `${name}_inputs.npy`), labels: join(folder, `${name}_labels.npy`) });
  const models = Array.from({ length: MODELS }, (_, at) => join(folder, `models/m${at}.safetensors`));
  const files = { graph: join(folder, 'model.onnx'), models, validation: split('val'), test: split('test') };
  const problem = await Problem.open(files, { metric: accuracy, backend: 'auto', threads: 2, ...(cache && { cache }) });
  try {
    await problem.validation.cache();
    const result =
      kind === 0
        ? await adaptive(problem.validation, {
            budget: BUDGET,
            candidates: CANDIDATES,
            geometry: (await problem.geometry()).whole,
          })
        : await radin(problem.validation, {
            samplers: SAMPLERS.filter(({ name }) => name === 'monte-carlo'),
            candidates: CANDIDATES,
            seed: kind,
            includeUniform: true,
            budget: BUDGET,
            lambda: 0,
          });
    const single = await bestIndividual(problem.validation);
    const { mixture } = result.best;
    await writeSoup(out, await problem.soups.open(mixture, {}), problem.pool, {});
    return JSON.stringify([mixture.key, result.best.score, single.best.score]);
  } finally {
    await problem.dispose();
  }
}

async function measure() {
  // What is released on the next turns counts as gone.
  await new Promise((resolve) => setTimeout(resolve, 20));
  globalThis.gc();
  await new Promise((resolve) => setTimeout(resolve, 5));
  globalThis.gc();
  const status = readFileSync('/proc/self/status', 'latin1');
  const numberOf = (key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  const { heapUsed, external } = process.memoryUsage();
  return {
    residentKiB: numberOf('VmRSS'),
    heapKiB: Math.round((heapUsed + external) / 1024),
    descriptors: readdirSync('/proc/self/fd').length,
    threads: numberOf('Threads'),
    children: childrenOf(process.pid),
  };
}

function childrenOf(parent) {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const status = readFileSync(`/proc/${name}/stat`, 'latin1');
      return Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]) === parent;
    } catch {
      return false;
    }
  }).length;
}

/** The median of the slopes between all pairs (Theil and Sen), which a collection that came late does not move. */
function medianSlope(values) {
  const slopes = new Float64Array((values.length * (values.length - 1)) / 2);
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    for (let j = i + 1; j < values.length; j++) slopes[count++] = (values[j] - values[i]) / (j - i);
  }
  return slopes.sort()[count >> 1];
}
