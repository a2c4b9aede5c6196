/** A folder in which a command is run again and again from the same beginning, and what must be true after each run. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from './commands.mjs';
import { Control } from './control.mjs';
import { orphans, Resident, runProgram } from './runner.mjs';

/** Where shared memory has names for a moment. */
const MEMORY = '/dev/shm/radin-';
/** What a run may change. */
const WRITTEN = ['out', 'cache', 'tmp'];
/** Entries of JSON that say how a run went and not what was found. */
const OF_THE_RUN = new Set(['timings', 'reused', 'backend', 'versions']);
const UNFINISHED = /(^|\/)\.radin-[^/]*$/;

export class Workplace {
  #shared;

  /**
   * @param folder new; @param pool a folder that `writePool` has written @param library that of the shim
   * @param shared `{ folder, undisturbed: new Map() }`, what runs on this pool leave without faults, for all workplaces of one
   */
  constructor(folder, pool, library, shared) {
    this.folder = folder;
    this.#shared = shared;
    mkdirSync(folder);
    cpSync(pool, join(folder, 'pool'), { recursive: true });
    const page = join(folder, 'page');
    this.control = library && new Control(page, library, [`${folder}/`, MEMORY]);
    // Its value tells which processes are of this workplace.
    this.environment = { ...process.env, TMPDIR: join(folder, 'tmp'), RADIN_FAULTS_WORKPLACE: folder };
    delete this.environment.RADIN_CACHE_DIR;
    this.resident = new Resident({ ...this.environment, ...this.control?.environment });
  }

  close() {
    this.resident.stop();
    this.control?.close();
  }

  /** In the resident process. */
  run(args) {
    return this.resident.run(args, this.folder);
  }

  /** In a process of its own. */
  runAlone(args, options = {}) {
    const { shim = false, ...others } = options;
    return runProgram(args, this.folder, { ...this.environment, ...(shim && this.control.environment) }, others);
  }

  /** Everything as before a run. @param earlier whether the results of an earlier run are there */
  async reset(name, earlier) {
    const command = COMMANDS[name];
    for (const folder of WRITTEN) rmSync(join(this.folder, folder), { recursive: true, force: true });
    const isThere = earlier && command.earlier !== undefined;
    const kept = join(this.#shared.folder, name);
    if (isThere && !existsSync(kept)) {
      await this.#fill(command.earlier, kept);
      for (const folder of WRITTEN) rmSync(join(this.folder, folder), { recursive: true, force: true });
    }
    if (isThere) cpSync(kept, this.folder, { recursive: true });
    for (const folder of ['out', 'tmp']) mkdirSync(join(this.folder, folder), { recursive: true });
    for (const [from, to] of command.copies ?? []) cpSync(join(this.folder, from), join(this.folder, to));
  }

  /** A folder with the cache that a run of the command leaves, which began with none. */
  async filledCache(name) {
    const kept = join(this.#shared.folder, `${name} filled`);
    if (!existsSync(kept)) {
      await this.reset(name, false);
      await this.#fill(COMMANDS[name].args, kept);
    }
    return join(kept, 'cache');
  }

  async #fill(args, kept) {
    for (const folder of ['out', 'tmp']) mkdirSync(join(this.folder, folder), { recursive: true });
    this.control?.disarm();
    const { code, stderr } = await this.run(args);
    if (code !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
    const written = ['out', 'cache'].filter((folder) => existsSync(join(this.folder, folder)));
    for (const folder of written) cpSync(join(this.folder, folder), join(kept, folder), { recursive: true });
  }

  /** What the command does where nothing is in its way. */
  async undisturbed(name, earlier) {
    const { undisturbed } = this.#shared;
    const key = `${name} ${earlier}`;
    if (!undisturbed.has(key)) undisturbed.set(key, this.#succeeding(name, earlier));
    return undisturbed.get(key);
  }

  async #succeeding(name, earlier) {
    const found = await this.once(name, earlier);
    if (found.code !== 0) throw new Error(`${COMMANDS[name].args.join(' ')}: ${found.died ?? found.stderr}`);
    return { ...found, unlike: undefined };
  }

  /** Files that differ without any fault, such as a report with times: they say nothing when they differ with one. */
  async #unlike(name, earlier) {
    const expected = await this.undisturbed(name, earlier);
    if (expected.unlike === undefined) {
      const { after } = await this.once(name, earlier);
      expected.unlike = new Set([...after.keys()].filter((file) => after.get(file) !== expected.after.get(file)));
    }
    return expected.unlike;
  }

  /** A run without faults, on whatever the pool is: what it prints and writes, the calls it makes, and how long it takes. */
  async once(name, earlier) {
    await this.reset(name, earlier);
    const before = this.#results();
    this.control?.disarm();
    const begun = Date.now();
    const outcome = await this.run(COMMANDS[name].args);
    const milliseconds = Date.now() - begun;
    const calls = { main: this.control?.trace('main') ?? [], child: this.control?.trace('child') ?? [] };
    return { ...outcome, before, after: this.#results(), stdout: withoutTheRun(outcome.stdout), calls, milliseconds };
  }

  /**
   * What is wrong after a run with a fault, in words; nothing where all is well.
   * @param killed whether the fault has ended the process @param mayRemain whether a temporary file may
   * @param orElse what `once` gave for the pool as it was changed, which is as right
   */
  async judge(name, earlier, outcome, { killed = false, mayRemain = false, orElse } = {}) {
    const expected = await this.undisturbed(name, earlier);
    const wrong = [];
    const known = this.resident.pid === undefined ? [] : [this.resident.pid];
    const left = await orphans(this.folder, known);
    const results = this.#results();
    const isOther = outcome.code === 0 && orElse?.code === 0 && withoutTheRun(outcome.stdout) === orElse.stdout;
    const found = isOther ? { ...orElse, unlike: expected.unlike, descriptors: expected.descriptors } : expected;
    if (!killed) wrong.push(...judgeOutcome(outcome, found, COMMANDS[name].isAnswer));
    if (left.length > 0) wrong.push(`processes are left: ${left.join(', ')}`);
    for (const pid of left) process.kill(pid, 'SIGKILL');
    for (const file of this.#everything().filter((path) => UNFINISHED.test(path) || path.startsWith('tmp/'))) {
      if (!killed && !mayRemain) wrong.push(`a temporary file is left: ${file}`);
    }
    let broken = judgeResults(results, found, outcome.code === 0);
    if (broken.length > 0 && expected.unlike === undefined) {
      const unlike = await this.#unlike(name, earlier);
      broken = judgeResults(results, { ...found, unlike }, outcome.code === 0);
      // Its files are gone with the run that told.
      return [...wrong, ...broken];
    }
    wrong.push(...broken);
    if (wrong.length > 0) return wrong;
    // A run that had its input replaced by its output has another input.
    if (COMMANDS[name].copies !== undefined && sameResults(results, expected.after, expected.unlike)) return [];
    this.control?.disarm();
    const again = await this.run(COMMANDS[name].args);
    const after = this.#results();
    if (again.code !== 0) wrong.push(`the next run fails: ${again.died ?? again.code} ${again.stderr}`);
    else if (!sameResults(after, expected.after, expected.unlike)) {
      wrong.push(`the next run writes something else: ${differing(after, expected.after, expected.unlike)}`);
    } else if (withoutTheRun(again.stdout) !== expected.stdout) wrong.push('the next run prints something else');
    return wrong;
  }

  /** Files in `out/` with their bytes, as text, without what says how a run went. */
  #results() {
    return new Map(
      this.#everything()
        .filter((path) => path.startsWith('out/') && !UNFINISHED.test(path) && !/\/\.radin-/.test(path))
        .map((path) => {
          const bytes = readFileSync(join(this.folder, path));
          return [path, path.endsWith('.json') ? withoutTheRun(bytes.toString('utf8')) : bytes.toString('latin1')];
        }),
    );
  }

  #everything() {
    return WRITTEN.filter((name) => existsSync(join(this.folder, name))).flatMap((name) =>
      readdirSync(join(this.folder, name), { recursive: true })
        .map((path) => `${name}/${path}`)
        .filter((path) => UNFINISHED.test(path) || statSync(join(this.folder, path)).isFile()),
    );
  }
}

function judgeOutcome({ code, died, stdout, stderr, descriptors }, expected, isAnswer) {
  if (died !== undefined) return [`the process ends: ${died}: ${(stderr ?? '').slice(-600)}`];
  const wrong = [];
  const errors = stderr.split('\n').filter((line) => line.startsWith('radin: error: '));
  if (/^ +at |radin: bug|Warning:/m.test(stderr))
    wrong.push(`standard error has more than lines for the user: ${stderr}`);
  if (code === 0) {
    if (errors.length > 0) wrong.push(`an error with exit code 0: ${stderr}`);
    const isSaid = isAnswer && /but found: .* \(E[A-Z]+\)/.test(stdout);
    if (withoutTheRun(stdout) !== expected.stdout && !isSaid) wrong.push('exit code 0, and something else is printed');
  } else if (code !== 2) wrong.push(`exit code ${code}`);
  else if (errors.length !== 1) wrong.push(`exit code 2 and ${errors.length} errors: ${stderr}`);
  // Node opens some itself, the first time that it needs them.
  if (descriptors > expected.descriptors + 3)
    wrong.push(`${descriptors} descriptors are open, not ${expected.descriptors}`);
  return wrong;
}

/** Each file is as before or as without the fault, and those that were written together are of one run. */
function judgeResults(found, { before, after, unlike }, done) {
  const wrong = [];
  let [fresh, stale] = [undefined, undefined];
  for (const [file, bytes] of found) {
    const isWhole = bytes === after.get(file) || unlike?.has(file);
    const [isOld, isNew] = [bytes === before.get(file), isWhole || (!done && isBeforeTest(bytes, after.get(file)))];
    if (!isOld && !isNew) wrong.push(`${file} is neither as before nor as it should become`);
    if (isNew && !isOld) fresh = file;
    if (isOld && !isNew) stale = file;
  }
  for (const file of after.keys()) if (done && !found.has(file)) wrong.push(`exit code 0 without ${file}`);
  if (fresh !== undefined && stale !== undefined) wrong.push(`${fresh} is of this run and ${stale} of an earlier one`);
  return wrong;
}

/** Whether a text is one to which scores on the test split are only added: the choice is on disk before that split is opened. */
function isBeforeTest(found, expected) {
  if (expected === undefined) return false;
  try {
    return isPart(JSON.parse(found), JSON.parse(expected));
  } catch {
    const lines = expected.split('\n');
    let at = -1;
    return (
      found.startsWith('---\n') &&
      found.split('\n').every((line) => {
        at = lines.indexOf(line, at + 1);
        return at >= 0;
      })
    );
  }
}

/** Whether all that the first says, the second says too. */
function isPart(found, expected) {
  if (typeof found !== 'object' || found === null) return found === expected;
  if (typeof expected !== 'object' || expected === null || Array.isArray(found) !== Array.isArray(expected))
    return false;
  if (Array.isArray(found)) {
    let at = -1;
    return found.every((value) => {
      at = expected.findIndex((other, place) => place > at && isPart(value, other));
      return at >= 0;
    });
  }
  return Object.entries(found).every(([key, value]) => isPart(value, expected[key]));
}

function differing(found, expected, unlike) {
  return [...new Set([...found.keys(), ...expected.keys()])]
    .filter((file) => found.get(file) !== expected.get(file) && !unlike?.has(file))
    .join(', ');
}

function sameResults(found, expected, unlike) {
  return differing(found, expected, unlike) === '';
}

/** JSON without entries that say how a run went; other texts as they are. */
function withoutTheRun(text) {
  try {
    return JSON.stringify(JSON.parse(text, (key, value) => (OF_THE_RUN.has(key) ? undefined : value)));
  } catch {
    return text;
  }
}
