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
  /** The bytes that a run without faults leaves: by command and whether an earlier run is there, results in `out/`, and what is printed. */
  #undisturbed = new Map();

  /** @param folder new; @param pool a folder that `writePool` has written @param library that of the shim */
  constructor(folder, pool, library) {
    this.folder = folder;
    mkdirSync(folder);
    cpSync(pool, join(folder, 'pool'), { recursive: true });
    for (const name of ['tmp', 'earlier']) mkdirSync(join(folder, name));
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
    const kept = join(this.folder, 'earlier', name);
    const isThere = earlier && command.earlier !== undefined;
    if (isThere && !existsSync(kept)) {
      mkdirSync(join(this.folder, 'out'));
      mkdirSync(join(this.folder, 'tmp'));
      this.control?.disarm();
      const { code, stderr } = await this.run(command.earlier);
      if (code !== 0) throw new Error(`${command.earlier.join(' ')}: ${stderr}`);
      mkdirSync(kept);
      for (const folder of ['out', 'cache']) {
        if (existsSync(join(this.folder, folder))) cpSync(join(this.folder, folder), join(kept, folder), { recursive: true });
      }
      return;
    }
    if (isThere) cpSync(kept, this.folder, { recursive: true });
    for (const folder of ['out', 'tmp']) mkdirSync(join(this.folder, folder), { recursive: true });
    for (const [from, to] of command.copies ?? []) cpSync(join(this.folder, from), join(this.folder, to));
  }

  /** What the command does where nothing is in its way. */
  async undisturbed(name, earlier) {
    const key = `${name} ${earlier}`;
    const known = this.#undisturbed.get(key);
    if (known !== undefined) return known;
    const outcomes = [];
    for (let time = 0; time < 2; time++) {
      await this.reset(name, earlier);
      const before = this.#results();
      this.control?.disarm();
      const outcome = await this.run(COMMANDS[name].args);
      if (outcome.code !== 0) throw new Error(`${COMMANDS[name].args.join(' ')}: ${outcome.stderr ?? outcome.died}`);
      const calls = { main: this.control?.trace('main') ?? [], child: this.control?.trace('child') ?? [] };
      outcomes.push({ before, after: this.#results(), stdout: withoutTheRun(outcome.stdout), calls, descriptors: outcome.descriptors });
    }
    const [first, second] = outcomes;
    // What differs without any fault, such as a report with times, says nothing when it differs with one.
    const unlike = [...first.after.keys()].filter((file) => first.after.get(file) !== second.after.get(file));
    const found = { ...second, unlike: new Set(unlike) };
    this.#undisturbed.set(key, found);
    return found;
  }

  /**
   * What is wrong after a run with a fault, in words; nothing where all is well.
   * @param killed whether the fault has ended the process @param mayRemain whether a temporary file may
   */
  async judge(name, earlier, outcome, { killed = false, mayRemain = false } = {}) {
    const expected = await this.undisturbed(name, earlier);
    const wrong = [];
    const known = this.resident.pid === undefined ? [] : [this.resident.pid];
    const left = await orphans(`RADIN_FAULTS_WORKPLACE=${this.folder}`, known);
    const results = this.#results();
    if (!killed) wrong.push(...judgeOutcome(outcome, expected));
    if (left.length > 0) wrong.push(`processes are left: ${left.join(', ')}`);
    for (const pid of left) process.kill(pid, 'SIGKILL');
    for (const file of this.#everything().filter((path) => UNFINISHED.test(path) || path.startsWith('tmp/'))) {
      if (!killed && !mayRemain) wrong.push(`a temporary file is left: ${file}`);
    }
    wrong.push(...judgeResults(results, expected, outcome.code === 0));
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

function judgeOutcome({ code, died, stdout, stderr, descriptors }, expected) {
  if (died !== undefined) return [`the process ends: ${died}: ${(stderr ?? '').slice(-600)}`];
  const wrong = [];
  const errors = stderr.split('\n').filter((line) => line.startsWith('radin: error: '));
  if (/^ +at |radin: bug|Warning:/m.test(stderr)) wrong.push(`standard error has more than lines for the user: ${stderr}`);
  if (code === 0) {
    if (errors.length > 0) wrong.push(`an error with exit code 0: ${stderr}`);
    if (withoutTheRun(stdout) !== expected.stdout) wrong.push('exit code 0, and something else is printed');
  } else if (code !== 2) wrong.push(`exit code ${code}`);
  else if (errors.length !== 1) wrong.push(`exit code 2 and ${errors.length} errors: ${stderr}`);
  // Node opens some itself, the first time that it needs them.
  if (descriptors > expected.descriptors + 3) wrong.push(`${descriptors} descriptors are open, not ${expected.descriptors}`);
  return wrong;
}

/** Each file is as before or as without the fault, and those that were written together are of one run. */
function judgeResults(found, { before, after, unlike }, done) {
  const wrong = [];
  let [fresh, stale] = [undefined, undefined];
  for (const [file, bytes] of found) {
    const [isOld, isNew] = [bytes === before.get(file), bytes === after.get(file) || unlike.has(file)];
    if (!isOld && !isNew) wrong.push(`${file} is neither as before nor as it should become`);
    if (isNew && !isOld) fresh = file;
    if (isOld && !isNew) stale = file;
  }
  for (const file of after.keys()) if (done && !found.has(file)) wrong.push(`exit code 0 without ${file}`);
  if (fresh !== undefined && stale !== undefined) wrong.push(`${fresh} is of this run and ${stale} of an earlier one`);
  return wrong;
}

function differing(found, expected, unlike) {
  return [...new Set([...found.keys(), ...expected.keys()])]
    .filter((file) => found.get(file) !== expected.get(file) && !unlike.has(file))
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
