import { rmdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileError, RadinError } from '../errors/index.js';
import { isAt, makeFolder, sweepUnfinished } from '../formats/index.js';
import { firstDifference } from './difference.js';
import { JournalFile } from './journal-file.js';
import {
  type EvaluationRecord,
  type Fingerprint,
  JOURNAL_FORMAT,
  type JournalRecord,
  type Json,
  type LostRecord,
  type RunRecord,
} from './record.js';

/** The journal's file in a run folder. */
export const JOURNAL_FILE = 'journal.jsonl';

export interface JournalOptions {
  /** Version of radin: a run is finished by the one that began it. */
  readonly version: string;
  /** Whether to begin anew, whatever there is. */
  readonly restart?: boolean;
}

/** What earlier processes found of a soup. */
export interface RecordedSoup {
  readonly evaluations: readonly EvaluationRecord[];
  /** Why its evaluation was lost. */
  readonly lost?: string;
}

/** What the journal holds of the run before this process. */
interface History {
  readonly run: RunRecord;
  readonly soups: Map<string, { evaluations: EvaluationRecord[]; lost?: string }>;
  choice: Json | undefined;
  finished: boolean;
}

/**
 * The record of one run in its folder: what was evaluated, what was chosen, and that it is finished. A run that was ended at any
 * moment goes on from what its journal holds. One process at a time has it.
 */
export class Journal {
  readonly #folder: string;
  readonly #options: JournalOptions;
  #file: JournalFile | undefined;
  #history: History | undefined;
  #madeFolder = false;
  /** Whether it has begun and holds nothing that was evaluated or chosen. */
  #isEmpty = false;

  private constructor(folder: string, options: JournalOptions, file: JournalFile | undefined) {
    this.#folder = folder;
    this.#options = options;
    this.#file = file;
  }

  /**
   * Locks the run folder's journal, if there is one. To be closed whatever happens.
   * @throws RadinError naming the process that works in the folder
   */
  static async open(folder: string, options: JournalOptions): Promise<Journal> {
    return new Journal(folder, options, await JournalFile.open(join(folder, JOURNAL_FILE), false));
  }

  /** Whether it has begun and holds nothing that was evaluated or chosen. */
  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  get path(): string {
    return join(this.#folder, JOURNAL_FILE);
  }

  /**
   * Begins the run that the fingerprint tells from others, or goes on with it. In the place of another one that is finished, a new one is begun.
   * With the lock, what processes that were killed left half written in the folder is removed.
   * @returns what the user should know, a line each
   * @throws RadinError where the journal is damaged other than at its end, or of another run that is not finished
   */
  async begin(fingerprint: Fingerprint): Promise<string[]> {
    const notices: string[] = [];
    if (this.#file === undefined) {
      const isThere = await isAt(this.#folder);
      await makeFolder(this.#folder).catch((error: unknown) => {
        throw fileError('make the folder', this.#folder, error);
      });
      this.#madeFolder = !isThere;
      this.#file = await JournalFile.open(this.path, true);
    }
    const file = this.#file as JournalFile;
    const { lock } = file;
    if (lock.kind === 'none')
      notices.push(`note: ${this.#folder} is not locked against a second process: ${lock.reason}`);
    const run: RunRecord = { record: 'run', format: JOURNAL_FORMAT, radin: this.#options.version, fingerprint };
    const history = this.#options.restart ? undefined : await this.#read(file, run, notices);
    await file.truncate();
    if (lock.kind === 'ours') await sweepUnfinished(this.#folder);
    if (history === undefined) file.append(run);
    file.append({ record: 'start', pid: process.pid, host: hostname(), time: new Date().toISOString() });
    await file.synced();
    await file.syncFolder();
    this.#history = history ?? { run, soups: new Map(), choice: undefined, finished: false };
    this.#isEmpty = this.#history.soups.size === 0 && this.#history.choice === undefined && !this.#history.finished;
    return notices;
  }

  /** What earlier processes found of a soup. @param soup the key of its evaluations */
  recorded(soup: string): RecordedSoup {
    return this.#begun.history.soups.get(soup) ?? { evaluations: [] };
  }

  /** @throws RadinError where the disk does not take it */
  append(record: EvaluationRecord | LostRecord): void {
    this.#begun.file.append(record);
    this.#isEmpty = false;
  }

  /**
   * On disk when this resolves: from then on it is known that nothing which may only report had a say.
   * @throws RadinError where the disk does not take it, or an earlier process of the same run chose something else
   */
  async choose(choice: Json): Promise<void> {
    const { file, history } = this.#begun;
    if (history.choice !== undefined) {
      const difference = firstDifference(history.choice, choice);
      if (difference === undefined) return;
      throw new RadinError(
        'EVALUATION',
        `Expected the choice of the run in ${this.path}, ${difference.name} ${difference.expected}, but found ${difference.found}: evaluations differ from run to run; --restart begins anew`,
      );
    }
    file.append({ record: 'choice', choice });
    this.#isEmpty = false;
    history.choice = choice;
    await file.synced();
  }

  /** To be called when the results are on disk. @param facts of this process, on which no result depends @throws RadinError */
  async finish(facts: Json): Promise<void> {
    const { file } = this.#begun;
    file.append({ record: 'end', time: new Date().toISOString(), facts });
    this.#isEmpty = false;
    await file.synced();
  }

  /**
   * Gives the lock back.
   * @param refused whether the run was: then a journal that is empty is removed, and the folder where it was made for it
   */
  async close({ refused = false }: { readonly refused?: boolean } = {}): Promise<void> {
    const remove = refused && this.#isEmpty;
    await this.#file?.close(remove);
    this.#file = undefined;
    // Where something else is in it by now, it stays.
    if (remove && this.#madeFolder) await rmdir(this.#folder).catch(() => {});
  }

  get #begun(): { readonly file: JournalFile; readonly history: History } {
    const [file, history] = [this.#file, this.#history];
    if (file === undefined || history === undefined) throw new RangeError('Expected a journal that has begun');
    return { file, history };
  }

  /** Undefined where a new run is to be begun. */
  async #read(file: JournalFile, run: RunRecord, notices: string[]): Promise<History | undefined> {
    let history: History | undefined;
    const torn = await file.read((record) => {
      if (record.record === 'run') history = { run: record, soups: new Map(), choice: undefined, finished: false };
      else remember(history as History, record);
    });
    if (torn > 0) {
      notices.push(
        `warning: the last line of ${this.path} was not written to its end, and its ${torn} bytes are dropped: what it was about is done again`,
      );
    }
    if (history === undefined) return undefined;
    // What JSON makes of it, as in the file.
    const { run: before, finished, soups } = history as History;
    const after = JSON.parse(JSON.stringify(run)) as RunRecord;
    const difference =
      firstDifference(before.radin, after.radin, 'radin') ?? firstDifference(before.fingerprint, after.fingerprint);
    if (difference === undefined) {
      const evaluated = [...soups.values()].filter(({ evaluations }) => evaluations.length > 0).length;
      if (!finished)
        notices.push(`note: goes on with the unfinished run in ${this.path}, which knows of ${evaluated} soups`);
      return history;
    }
    if (!finished) {
      const { name, expected, found } = difference;
      throw new RadinError(
        'CONFIG',
        `Expected ${name} ${expected}, as of the unfinished run in ${this.path}, but found ${found}: give the same options to go on, another --out, or --restart to begin anew`,
      );
    }
    file.clear();
    return undefined;
  }
}

function remember(history: History, record: Exclude<JournalRecord, RunRecord>): void {
  switch (record.record) {
    case 'start':
      break;
    case 'evaluation':
      soupIn(history, record.soup).evaluations.push(record);
      break;
    case 'lost':
      soupIn(history, record.soup).lost = record.reason;
      break;
    case 'choice':
      history.choice = record.choice;
      break;
    case 'end':
      history.finished = true;
  }
}

function soupIn({ soups }: History, key: string): { evaluations: EvaluationRecord[]; lost?: string } {
  const soup = soups.get(key) ?? { evaluations: [] };
  soups.set(key, soup);
  return soup;
}
