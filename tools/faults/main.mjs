/** `npm run test:faults`: see docs/faults.md. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '@radin/core';
import { changingInputs } from './changing-inputs.mjs';
import { COMMANDS } from './commands.mjs';
import { compileShim } from './control.mjs';
import { damagedCache } from './damaged-cache.mjs';
import { failingCalls, kills, memory } from './failing-calls.mjs';
import { fullDisk, limits, mountRefusal } from './limits.mjs';
import { ORDINARY, randomShape, writePool } from './pools.mjs';
import { signals } from './signals.mjs';
import { startSoak } from './start-soak.mjs';
import { Workplace } from './workplace.mjs';

/** Kinds of faults, with their parts of the time. */
const SECTIONS = [
  [failingCalls, 0.4],
  [kills, 0.15],
  [memory, 0.05],
  [changingInputs, 0.1],
  [damagedCache, 0.1],
  [fullDisk, 0.07],
  [limits, 0.06],
  [signals, 0.07],
];
/** Leaves room within four minutes for what is under way when they are over, on a busy machine. */
const MINUTES_MODE_SECONDS = 170;
/** With `--hours`, a pool is left for another one after so long. */
const ROUND_SECONDS = 900;

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: String(MINUTES_MODE_SECONDS) },
    hours: { type: 'string' },
    soak: { type: 'string' },
    seed: { type: 'string', default: '0' },
    pool: { type: 'string', default: '0' },
    only: { type: 'string', default: '' },
    jobs: { type: 'string', default: String(Math.min(2, availableParallelism())) },
  },
});
const number = (name) => {
  const value = Number(options[name]);
  if (Number.isFinite(value) && value >= 0) return value;
  console.error(`Expected --${name} to be a number ≥ 0 but found ${options[name]}`);
  process.exit(2);
};

const scratch = mkdtempSync(join(tmpdir(), 'radin-faults-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => process.exit(130));

if (options.soak !== undefined) process.exit(startSoak(scratch, number('soak'), number('seed')) ? 0 : 1);

const { library, missing } = compileShim(scratch);
const refusal = mountRefusal(scratch);
const skipped = SECTIONS.flatMap(([{ name, needsShim, needsMount }]) => [
  ...(needsShim && missing ? [`${name} is skipped: ${missing}`] : []),
  ...(needsMount && refusal ? [`${name} is skipped: no file system can be mounted (${refusal})`] : []),
]);
for (const line of skipped) console.log(line);
const wanted = SECTIONS.filter(([{ needsShim, needsMount }]) => !(needsShim && missing) && !(needsMount && refusal));

let [done, failures] = [0, 0];
if (options.hours === undefined) await round(number('pool'), number('seed'), number('seconds'));
else {
  const until = Date.now() + 3_600_000 * number('hours');
  for (let pool = number('pool'); Date.now() < until; pool++) {
    await round(pool, number('seed') + pool, Math.min(ROUND_SECONDS, (until - Date.now()) / 1000));
  }
}
console.log(`${done} cases, ${failures} failures${skipped.length > 0 ? `, ${skipped.length} kinds skipped` : ''}`);
process.exit(failures > 0 || done === 0 ? 1 : 0);

/** All kinds of faults on one pool, each for its part of the time. */
async function round(pool, seed, seconds) {
  const shape = pool === 0 ? ORDINARY : randomShape(new Random(pool));
  const folder = join(scratch, `pool-${pool}`);
  mkdirSync(folder);
  await writePool(folder, shape);
  console.log(`pool ${pool}: ${JSON.stringify(shape)}`);
  const shared = { folder: join(scratch, `earlier-${pool}`), undisturbed: new Map() };
  const places = Array.from({ length: Math.max(1, number('jobs')) }, (_, job) => {
    return new Workplace(join(scratch, `work-${pool}-${job}`), folder, library, shared);
  });
  try {
    const [section, command] = options.only.split('/');
    const chosen = wanted.filter(([{ name }]) => options.only === '' || name === section);
    const names = Object.keys(COMMANDS).filter((name) => command === undefined || name === command);
    const end = Date.now() + 1000 * seconds;
    let parts = chosen.reduce((sum, [, part]) => sum + part, 0);
    // Of the time that is left, which runs without faults take from too.
    for (const [one, part] of chosen) {
      const begun = Date.now();
      const until = begun + ((end - begun) * part) / parts;
      parts -= part;
      const shares = places.map((place, at) =>
        one.cases(
          place,
          names.filter((_, of) => of % places.length === at),
        ),
      );
      const all = (await Promise.all(shares)).flat();
      const cases = mixed(all, seed).filter(({ name, id }) => `${one.name}/${name}/${id}`.startsWith(options.only));
      const [before, count] = [done, cases.length];
      await Promise.all(places.map((place) => work(place, one.name, cases, { pool, seed, until })));
      console.log(`${one.name}: ${done - before} of ${count} cases, ${Math.round((Date.now() - begun) / 1000)} s`);
    }
  } finally {
    for (const place of places) place.close();
    rmSync(folder, { recursive: true });
    for (const place of places) rmSync(place.folder, { recursive: true, force: true });
  }
}

/** Commands in turn, the cases of each in an order of the seed. */
function mixed(cases, seed) {
  const random = new Random(seed);
  const turns = new Map();
  return cases
    .map((one) => [random.uint32(), one])
    .sort(([a], [b]) => a - b)
    .map(([, one]) => {
      const turn = turns.get(one.name) ?? 0;
      turns.set(one.name, turn + 1);
      return [turn, one];
    })
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one);
}

async function work(place, section, cases, { pool, seed, until }) {
  // However slow the machine is, each kind is tried.
  for (let first = true; cases.length > 0 && (first || Date.now() < until); first = false) {
    const one = cases.shift();
    const id = `${section}/${one.name}/${one.id}`;
    const wrong = await one.run(place, new Random(hash(`${seed}/${id}`)));
    done++;
    if (wrong.length === 0) continue;
    failures++;
    console.log(`FAILED ${id}\n  ${wrong.join('\n  ')}`);
    console.log(`  again: npm run test:faults -- --seed ${seed} --pool ${pool} --only ${id}`);
  }
}

/** A seed of its own for every case. */
function hash(text) {
  return [...text].reduce((sum, character) => (Math.imul(sum, 31) + character.charCodeAt(0)) >>> 0, 7);
}
