/** `npm run fuzz -- --seconds N [--seed S] [--only READER,…] [--mutants N] [--mutant INDEX] [--no-second-opinion]` */
import { parseArgs } from 'node:util';
import { fuzzBindings } from './bindings.js';
import { campaign, type Finding, saveMutant, type Tally } from './campaign.js';
import { minimise } from './minimise.js';
import { READERS } from './readers.js';
import { makeRunDocuments } from './seeds/pool.js';

const SAVED = 'fuzz-findings';
const BINDINGS = 'bindings';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '0' },
    only: { type: 'string' },
    mutants: { type: 'string', default: String(2 ** 32) },
    mutant: { type: 'string' },
    // Without the other program that reads the same files, which takes most of the time.
    'no-second-opinion': { type: 'boolean', default: false },
  },
});

function number(name: 'seconds' | 'seed' | 'mutants' | 'mutant', least: number): number {
  const value = Number(values[name]);
  if (Number.isFinite(value) && value >= least && (name === 'seconds' || Number.isSafeInteger(value))) return value;
  console.error(`Expected --${name} to be a number of at least ${least} but found ${values[name]}`);
  process.exit(2);
}

const names = [...READERS.map(({ name }) => name), BINDINGS];
const asked = values.only?.split(',') ?? names;
const unknown = asked.find((name) => !names.includes(name));
if (unknown !== undefined) {
  console.error(`Expected --only to be of ${names.join(', ')} but found ${unknown}`);
  process.exit(2);
}
const seed = number('seed', 0);
const seconds = number('seconds', 0) / asked.length;
const one = values.mutant === undefined ? undefined : number('mutant', 0);
const options = {
  seed,
  first: one ?? 0,
  count: one === undefined ? number('mutants', 1) : 1,
  seconds: one === undefined ? seconds : 600,
  secondOpinion: !values['no-second-opinion'],
};

function row({ reader, mutants, accepted, refused, compared, seconds: took, findings }: Tally): string {
  const rate = (mutants / Math.max(took, 0.001)).toFixed(0);
  const columns = [reader.padEnd(14), `${mutants} mutants`, `${rate}/s`, `${accepted} accepted`, `${refused} refused`];
  if (compared > 0) columns.push(`${compared} as another program reads them`);
  columns.push(findings.length === 0 ? 'nothing found' : `${findings.length} FOUND`);
  return columns.join(', ');
}

let found = 0;
for (const reader of READERS.filter(({ name }) => asked.includes(name))) {
  // Mutants of documents are made here too where they are to be saved.
  const report = async ({ index, what, isThrown }: Finding) => {
    if (reader.name === 'report') await makeRunDocuments();
    const path = saveMutant(reader, seed, index, SAVED);
    // What hangs or dies would do so here.
    if (isThrown) await minimise(reader, path);
    console.log(
      `FOUND by ${reader.name}: ${what}\n  files: ${path}\n  again: npm run fuzz -- --only ${reader.name} --seed ${seed} --mutant ${index}`,
    );
  };
  const reports: Promise<void>[] = [];
  const tally = await campaign(reader, options, (finding) => reports.push(report(finding)));
  await Promise.all(reports);
  console.log(row(tally));
  for (const [what, { times, index }] of tally.peerRefuses)
    console.log(`  ${times} times ${reader.peer?.name} refuses: ${what} (first: --mutant ${index})`);
  found += tally.findings.length;
}
if (asked.includes(BINDINGS)) found += await fuzzBindings(options);
console.log(
  found === 0 ? `nothing found with seed ${seed}` : `${found} found with seed ${seed}; files are in ${SAVED}`,
);
process.exit(found === 0 ? 0 : 1);
