/** A folder in which a command is run again and again from the same beginning, and what must be true after each run. */
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS, LOG } from './commands.mjs';
import { Control } from './control.mjs';
import {
  differing,
  filesIn,
  hasLock,
  isTemporary,
  journalIn,
  judgeJournal,
  judgeResults,
  resultsIn,
} from './results.mjs';
import { orphans, Resident, runProgram } from './runner.mjs';

/** Where shared memory has names for a moment. */
const MEMORY = '/dev/shm/radin-';
/** What a run may change. */
const WRITTEN = ['out', 'cache', 'tmp'];
/** Entries of JSON that say how a run went and not what was found. */
const OF_THE_RUN = new Set(['timings', 'reused', 'backend', 'versions']);
/** Labels of the split that is opened last. */
const TEST_LABELS = 'pool/test_labels.npy';

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

  /** In the resident process. Paths that it prints are those of any workplace. */
  async run(args) {
    return this.#ofAnyPlace(await this.resident.run(args, this.folder));
  }

  /** In a process of its own. */
  async runAlone(args, options = {}) {
    const { shim = false, ...others } = options;
    const environment = { ...this.environment, ...(shim && this.control.environment) };
    return this.#ofAnyPlace(await runProgram(args, this.folder, environment, others));
  }

  #ofAnyPlace(outcome) {
    return { ...outcome, stdout: outcome.stdout.replaceAll(`${this.folder}/`, '') };
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
    await this.#verify(name, found.after);
    return found;
  }

  /** What is on disk before the test split is opened: what a run leaves where that cannot be read. All that is there now is kept. */
  async #chosen(name, earlier) {
    const expected = await this.undisturbed(name, earlier);
    if (expected.chosen !== undefined || !COMMANDS[name].opensTest) return expected.chosen;
    const kept = join(this.folder, 'kept');
    mkdirSync(kept);
    const isThere = (written) => existsSync(join(this.folder, written));
    for (const written of WRITTEN.filter(isThere)) renameSync(join(this.folder, written), join(kept, written));
    const path = join(this.folder, TEST_LABELS);
    const original = readFileSync(path);
    writeFileSync(path, Buffer.from(original).fill(0x7f, original.length - 8));
    try {
      const { code, stderr, after } = await this.once(name, earlier);
      if (code !== 2) throw new Error(`${COMMANDS[name].args.join(' ')} with wrong test labels: ${code} ${stderr}`);
      await this.#verify(name, after);
      expected.chosen = after;
      return after;
    } finally {
      writeFileSync(path, original);
      for (const written of WRITTEN) rmSync(join(this.folder, written), { recursive: true, force: true });
      cpSync(kept, this.folder, { recursive: true, preserveTimestamps: true });
      rmSync(kept, { recursive: true });
    }
  }

  /** Results that have a lock are what it says; none are else, since every other state of a run is compared with these. */
  async #verify(name, results) {
    // A soup in the place of an ingredient cannot be made again.
    if (!hasLock(results) || COMMANDS[name].copies !== undefined) return;
    const lock = [...results.keys()].find((file) => file.endsWith('lock.json'));
    const { code, stderr } = await this.run(['verify', lock]);
    if (code !== 0) throw new Error(`${COMMANDS[name].args.join(' ')}, then verify ${lock}: ${stderr}`);
  }

  /** A run without faults, on whatever the pool is: what it prints and writes, the calls it makes, and how long it takes. */
  async once(name, earlier) {
    await this.reset(name, earlier);
    const before = resultsIn(this.folder);
    this.control?.disarm();
    const begun = Date.now();
    const outcome = await this.run(COMMANDS[name].args);
    const milliseconds = Date.now() - begun;
    const calls = { main: this.control?.trace('main') ?? [], child: this.control?.trace('child') ?? [] };
    const after = resultsIn(this.folder);
    return { ...outcome, before, after, stdout: withoutTheRun(outcome.stdout), calls, milliseconds };
  }

  /**
   * What is wrong after a run with a fault, in words; nothing where all is well.
   * @param killed whether the fault has ended the process @param mayRemain whether a temporary file may
   * @param orElse what `once` gave for the pool as it was changed, which is as right @param args that were run, if others than the command's
   */
  async judge(name, earlier, outcome, { killed = false, mayRemain = false, orElse, args = COMMANDS[name].args } = {}) {
    const expected = await this.undisturbed(name, earlier);
    const wrong = [];
    const known = this.resident.pid === undefined ? [] : [this.resident.pid];
    const left = await orphans(this.folder, known);
    const results = resultsIn(this.folder);
    const done = !killed && outcome.code === 0;
    // An evaluation that failed as often as it is tried is given up, which the results say.
    const isLess = !killed && hasLost(this.folder);
    const isOther = done && orElse?.code === 0 && withoutTheRun(outcome.stdout) === orElse.stdout;
    const found = isOther ? { ...orElse, descriptors: expected.descriptors } : expected;
    if (!killed) wrong.push(...judgeOutcome(outcome, found, COMMANDS[name].isAnswer));
    if (left.length > 0) wrong.push(`processes are left: ${left.join(', ')}`);
    for (const pid of left) process.kill(pid, 'SIGKILL');
    for (const file of filesIn(this.folder, WRITTEN).filter(isTemporary)) {
      if (!killed && !mayRemain) wrong.push(`a temporary file is left: ${file}`);
    }
    if (isLess) {
      const documents = [...results].filter(([file]) => /(result|comparison)\.json$/.test(file));
      if (done && !documents.some(([, text]) => text.includes('evaluation was lost')))
        wrong.push('results do not say that an evaluation is lost');
    } else if (done) {
      const files = differing(results, found.after);
      if (files.length > 0) wrong.push(`exit code 0, and these are not as they should become: ${files.join(', ')}`);
    } else wrong.push(...(await this.#judgeUnfinished(name, earlier, results, orElse)));
    wrong.push(...judgeJournal(this.folder, done, mayRemain));
    if (wrong.length > 0) return wrong;
    // A run that had its input replaced by its output has another input.
    const isGone = ([, to]) => results.get(to) === expected.after.get(to);
    if (COMMANDS[name].copies?.some(isGone)) return [];
    return this.#judgeNext(isLess ? [...args, '--restart'] : args, expected, orElse !== undefined);
  }

  /** Results of a run that did not end with 0. */
  async #judgeUnfinished(name, earlier, results, orElse) {
    const { before, after } = await this.undisturbed(name, earlier);
    const usual = [before, after, orElse?.after];
    if (judgeResults(results, usual).length === 0) return [];
    return judgeResults(results, [...usual, await this.#chosen(name, earlier)]);
  }

  /** What is wrong with the same command again. @param isOther whether the run before may have been one on a changed pool */
  async #judgeNext(args, expected, isOther) {
    const known = new Set(args.includes('--restart') ? [] : evaluatedIn(this.folder));
    const log = join(this.folder, LOG);
    const before = linesOf(log).length;
    this.control?.disarm();
    let again = await this.run(args);
    // What was begun on other contents is refused, as it should be.
    if (isOther && again.code === 2 && again.stderr.includes('unfinished run'))
      again = await this.run([...args, '--restart']);
    if (again.code !== 0) return [`the next run fails: ${again.died ?? again.code} ${again.stderr}`];
    const files = differing(resultsIn(this.folder), expected.after);
    const repeated = linesOf(log)
      .slice(before)
      .filter((line) => known.has(Number(line)));
    return [
      ...(files.length > 0 ? [`the next run writes something else: ${files.join(', ')}`] : []),
      ...(withoutTheRun(again.stdout) === expected.stdout ? [] : ['the next run prints something else']),
      ...(repeated.length > 0 ? [`the next run repeats ${repeated.length} of ${known.size} finished evaluations`] : []),
      ...judgeJournal(this.folder, true, false),
    ];
  }
}

function hasLost(folder) {
  try {
    return journalIn(folder)?.records.some(({ record }) => record === 'lost') ?? false;
  } catch {
    // A journal that cannot be read is found as such.
    return false;
  }
}

/** Scores that the journal holds: those of the pool with a program of its own, which logs them, are as good as a hash of the soup. */
function evaluatedIn(folder) {
  return journalIn(folder)?.records.flatMap(({ record, score }) => (record === 'evaluation' ? [score] : [])) ?? [];
}

function linesOf(path) {
  return existsSync(path)
    ? readFileSync(path, 'utf8')
        .trim()
        .split('\n')
        .filter((line) => line !== '')
    : [];
}

function judgeOutcome({ code, died, stdout, stderr, descriptors }, expected, isAnswer) {
  if (died !== undefined) return [`the process ends: ${died}: ${(stderr ?? '').slice(-600)}`];
  const wrong = [];
  const errors = stderr.split('\n').filter((line) => line.startsWith('radin: error: '));
  if (/^ +at |radin: bug|Warning:/m.test(stderr))
    wrong.push(`standard error has more than lines for the user: ${stderr}`);
  if (code === 0) {
    if (errors.length > 0) wrong.push(`an error with exit code 0: ${stderr}`);
    const isSaid = (isAnswer && /but found: .* \(E[A-Z]+\)/.test(stdout)) || stdout.includes('its evaluation was lost');
    if (withoutTheRun(stdout) !== expected.stdout && !isSaid) wrong.push('exit code 0, and something else is printed');
  } else if (code !== 2) wrong.push(`exit code ${code}`);
  else if (errors.length !== 1) wrong.push(`exit code 2 and ${errors.length} errors: ${stderr}`);
  // Node opens some itself, the first time that it needs them.
  if (descriptors > expected.descriptors + 3)
    wrong.push(`${descriptors} descriptors are open, not ${expected.descriptors}`);
  return wrong;
}

/** JSON without entries that say how a run went; other texts as they are. */
function withoutTheRun(text) {
  try {
    return JSON.stringify(JSON.parse(text, (key, value) => (OF_THE_RUN.has(key) ? undefined : value)));
  } catch {
    return text;
  }
}
