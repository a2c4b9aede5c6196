/** `npm run test:faults`: see docs/faults.md. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '@radin/core';
import { COMMANDS } from './commands.mjs';
import { compileShim } from './control.mjs';
import { callCases, failCall } from './failing-calls.mjs';
import { ORDINARY, writePool } from './pools.mjs';
import { Workplace } from './workplace.mjs';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string' },
    seed: { type: 'string', default: '0' },
    commands: { type: 'string' },
    kills: { type: 'boolean', default: false },
    fault: { type: 'string' },
  },
});
const scratch = mkdtempSync(join(tmpdir(), 'radin-faults-'));
const { library, missing } = compileShim(scratch);
if (missing) console.log(missing);
await writePool(join(scratch, 'pool'), ORDINARY);
const w = new Workplace(join(scratch, 'w0'), join(scratch, 'pool'), library);
const names = options.commands?.split(',') ?? Object.keys(COMMANDS);
const t0 = Date.now();
const cases = (await callCases(w, names, options.kills)).filter((c) => !options.fault || c.fault === options.fault);
console.log(cases.length, Date.now() - t0);
const per = new Map();
for (const c of cases) per.set(c.name, (per.get(c.name) ?? 0) + 1);
console.log(per);
const random = new Random(Number(options.seed));
const until = Date.now() + 1000 * Number(options.seconds ?? 60);
let done = 0;
const t1 = Date.now();
for (const c of cases.map((x) => [random.uint32(), x]).sort((a, b) => a[0] - b[0]).map(([, x]) => x)) {
  if (Date.now() > until) break;
  const wrong = await failCall(w, c);
  done++;
  if (wrong.length) console.log(Object.values(c).join(':'), '\n   ', wrong.join('\n    '));
}
console.log('done', done, (Date.now() - t1)/done);
w.close();
rmSync(scratch, { recursive: true, force: true });
