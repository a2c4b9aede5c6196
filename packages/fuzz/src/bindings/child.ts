/**
 * Calls the addon that RADIN_NATIVE_ADDON names with requests right and wrong, and compares what it says with the plain TypeScript of
 * the reference backend:
 *
 *   node child.js SEED FIRST COUNT SECONDS PROGRESS
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Random } from '@radin/core';
import { openBackend, type RunOptions } from '@radin/native';
import { openNativeBackend } from '../../../native/dist/native.js';
import { below, of, once } from '../changes/choice.js';
import { type Call, randomCall } from './calls.js';
import { type Files, oddArgument } from './requests.js';
import { type Unshared, unsharedFault } from './unshared.js';

const [seed, first, count, seconds, progress] = process.argv.slice(2) as [string, string, string, string, string];
/** Between threads that are ended in the middle of calls. */
const CALLS_BETWEEN_WORKERS = 500;
/** In so many calls each function of the addon has been called. */
const CALLS_FOR_ALL = 100;

/** What ends this process has no call: a test of it starts one of its own. */
const NEVER_CALLED: readonly string[] = ['endProcess'];

const RECORDED = fileURLToPath(new URL('./recorded-addon.cjs', import.meta.url));
const recorded = createRequire(import.meta.url)(RECORDED) as typeof import('./recorded-addon.cjs');
const reference = openBackend('reference');
const native = openNativeBackend('cpu', RECORDED);

const folder = mkdtempSync(join(tmpdir(), 'radin-bindings-'));
let open: number[] = [];

function files(random: Random): Files {
  return {
    range: (bytes) => {
      const path = join(folder, 'x');
      const before = below(random, 20);
      const short = once(random, 10) ? below(random, bytes.length + 1) : 0;
      writeFileSync(path, Buffer.concat([Buffer.alloc(before), bytes.subarray(0, bytes.length - short)]));
      const fd = openSync(path, 'r');
      rmSync(path);
      open.push(fd);
      return { fd, offset: before, byteLength: bytes.length };
    },
  };
}

async function outcome(call: Call, backend: typeof native, options: RunOptions): Promise<string> {
  try {
    return await call(backend, options);
  } catch (error) {
    const { name, message } = error as Error;
    return `${name}: ${message}`;
  }
}

/** Of several faults in data, which one is named is not promised where one is a file that cannot be read. */
function agree(ours: string, theirs: string): boolean {
  const inData = [ours, theirs].every((text) => /^(Source|NonFiniteLogit|NaN)Error: /.test(text));
  return ours === theirs || (inData && [ours, theirs].some((text) => text.startsWith('SourceError')));
}

/** The recorded calls with one argument changed: whatever it is, the process lives on and the call settles. */
async function rawCalls(random: Random): Promise<void> {
  for (const [raw, values] of recorded.calls.splice(0)) {
    const changed = [...values];
    const at = below(random, changed.length);
    const old = changed[at];
    // The number of threads: as many as asked for are started.
    if (at === changed.length - 2) continue;
    const resized =
      ArrayBuffer.isView(old) && once(random, 2)
        ? (old as Uint8Array).slice(0, below(random, (old as Uint8Array).length + 1))
        : oddArgument(random);
    changed[at] =
      Array.isArray(old) && old.length > 0 && once(random, 2)
        ? old.with(below(random, old.length), oddArgument(random))
        : resized;
    try {
      await raw(...changed);
    } catch {
      // Refused, which is what it should be.
    }
  }
}

const WORKER = `
  const { openBackend } = await import(${JSON.stringify(import.meta.resolve('@radin/native'))});
  const { parentPort } = await import('node:worker_threads');
  const bytes = () => new Uint8Array(400000);
  parentPort.postMessage('started');
  for (;;) await openBackend('cpu').average({ weights: Float64Array.of(1, 1), divisors: Float64Array.of(2), tensors: [{ dtype: 'F32', ingredients: [bytes(), bytes()], outputs: [bytes()] }] });
`;

async function endedWorker(random: Random): Promise<void> {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(WORKER)}`));
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  await new Promise((resolve) => setTimeout(resolve, below(random, 10)));
  await worker.terminate();
}

const marks = openSync(progress, 'w');
const mark = Buffer.alloc(8);
const until = Date.now() + Number(seconds) * 1000;
let [agreed, refused, differed, index] = [0, 0, 0, Number(first)];
const found = (what: string) => {
  differed++;
  console.log(
    `FOUND by bindings: call ${index}: ${what}\n  again: npm run fuzz -- --only bindings --seed ${seed} --mutant ${index}`,
  );
};
for (const end = index + Number(count); index < end && Date.now() < until && differed < 10; index++) {
  mark.writeDoubleLE(index);
  writeSync(marks, mark, 0, 8, 0);
  const random = new Random(Number(seed), index);
  const call = randomCall(random, index, files(random));
  const options = {
    threads: of(random, [1, 1, 2, 5]),
    ...(once(random, 30) && { signal: AbortSignal.abort(new Error('aborted')) }),
  };
  recorded.calls.splice(0);
  const concurrent = once(random, 8)
    ? [outcome(randomCall(random, below(random, 100), files(random)), native, options)]
    : [];
  // Outputs are the request's, so one call has to be over before the other begins.
  const ours = await outcome(call, native, options);
  await Promise.all(concurrent);
  const theirs = await outcome(call, reference, options);
  const fault = await unsharedFault(random, recorded as unknown as Unshared, folder, files(random));
  if (fault !== undefined) found(fault);
  if (!agree(ours, theirs)) {
    found(`the addon gives ${ours.slice(0, 600)} and the reference ${theirs.slice(0, 600)}`);
  } else if (/^\w*Error: /.test(ours)) refused++;
  else agreed++;
  await rawCalls(random);
  for (const fd of open) closeSync(fd);
  open = [];
  if (index % CALLS_BETWEEN_WORKERS === 0) await endedWorker(random);
}
rmSync(folder, { recursive: true });
const functions = Object.keys(recorded).filter((name) => typeof (recorded[name] as unknown) === 'function');
const missed = functions.filter((name) => !recorded.called.has(name) && !NEVER_CALLED.includes(name));
if (index - Number(first) >= CALLS_FOR_ALL && missed.length > 0) {
  differed++;
  console.log(`FOUND by bindings: functions of the addon that no call reaches: ${missed.join(', ')}`);
}
console.log(
  `bindings      , ${index - Number(first)} calls, ${agreed} with equal results, ${refused} refused alike, ${differed === 0 ? 'nothing found' : `${differed} FOUND`}`,
);
process.exit(differed === 0 ? 0 : 1);
