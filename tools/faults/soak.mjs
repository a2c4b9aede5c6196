/** Searches without end in one process, as a program that uses the library makes them: what they take must not grow. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { accuracy, adaptive, bestIndividual, ContentCache, Problem, radin, SAMPLERS, writeSoup } from '@radin/core';
import { ORDINARY, writePool } from './pools.mjs';

const MODELS = 13;
const CANDIDATES = 200;
/** Evaluations of a search, so that a round takes about a second. */
const BUDGET = 10;
/** Rounds until caches, compiled code and the allocator's arenas have their size. */
const WARM_UP = 60;
/**
 * What memory may grow, in KiB for a round. Anything that a search keeps is more: the logits of one model of the pool alone are 16 KiB,
 * a kept evaluation process or weight buffer several MiB. What glibc and V8 move to and fro is taken into account as the slope's error.
 */
const MOST_KIBIBYTES = 16;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

/** @param minutes how long @returns whether memory, descriptors, threads and processes stay as they are */
export async function soak(scratch, minutes, seed) {
  const folder = join(scratch, 'pool');
  mkdirSync(folder);
  await writePool(folder, { ...ORDINARY, models: MODELS, samples: 1000, seed: seed + 1 });
  const cache = await ContentCache.open(join(scratch, 'cache'));
  const until = Date.now() + 60_000 * minutes;
  const rounds = [];
  let first;
  for (let round = 0; Date.now() < until || round < 2 * WARM_UP; round++) {
    const found = await search(
      folder,
      join(scratch, 'soup.safetensors'),
      round % 2 === 0 ? undefined : cache,
      round % 3,
    );
    first ??= new Map();
    const kind = round % 3;
    if ((first.get(kind) ?? found) !== found) {
      console.log(`round ${round}: the same search found something else`);
      return false;
    }
    first.set(kind, found);
    rounds.push(await measure());
    if (round % 50 === 0) console.log(`round ${round}: ${JSON.stringify(rounds.at(-1))}`);
  }
  const settled = rounds.slice(WARM_UP);
  const [slope, error] = lineOf(settled.map(({ kibibytes }) => kibibytes));
  const counts = ['descriptors', 'threads', 'children'].map((what) => {
    const values = settled.map((one) => one[what]);
    return [what, Math.min(...values), Math.max(...values), lineOf(values)[0] * values.length];
  });
  console.log(
    `${rounds.length} searches of ${MODELS} models with ${CANDIDATES} candidates, after the first ${WARM_UP}:`,
  );
  console.log(
    `  memory after collection: ${slope.toFixed(2)} ± ${(2 * error).toFixed(2)} KiB more for each search (allowed: ${MOST_KIBIBYTES}), ${settled[0].kibibytes} KiB to ${settled.at(-1).kibibytes} KiB`,
  );
  for (const [what, least, most, growth] of counts)
    console.log(`  ${what}: ${least} to ${most}, ${growth.toFixed(2)} more in all`);
  // A thread of the pool may come late; what is kept in each search adds up to more.
  return slope - 2 * error <= MOST_KIBIBYTES && counts.every(([, , , growth]) => growth < 2);
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
  collect();
  await new Promise((resolve) => setTimeout(resolve, 5));
  collect();
  const status = readFileSync('/proc/self/status', 'latin1');
  const numberOf = (key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  const { heapUsed, external } = process.memoryUsage();
  return {
    kibibytes: numberOf('VmRSS'),
    heap: Math.round((heapUsed + external) / 1024),
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

/** Slope of the least squares line, in units a round, and its standard error. */
function lineOf(values) {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = values.reduce((sum, _, at) => sum + (at - middle) ** 2, 0);
  const slope = values.reduce((sum, value, at) => sum + (at - middle) * (value - mean), 0) / spread;
  const residual = values.reduce((sum, value, at) => sum + (value - mean - slope * (at - middle)) ** 2, 0);
  return [slope, Math.sqrt(residual / (values.length - 2) / spread)];
}
