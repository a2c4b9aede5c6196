import { join } from 'node:path';
import {
  type Fingerprint,
  Journal,
  type Mixture,
  PassingCache,
  type Problem,
  RadinError,
  type RunRecord,
} from '@radin/core';
import type { PoolOptions } from '../options/options.js';
import type { HoldOutOptions } from '../options/search-options.js';
import type { Terminal } from '../terminal/terminal.js';
import { VERSION } from '../version.js';

/** In the run folder of a run without a cache: the models' logits, until the run is finished. */
const LOGITS_FOLDER = 'journal-logits';

/** Options of every command on which results depend. */
export function commonFacts({
  holdout,
  evaluationTimeout,
  evaluationMemory,
}: HoldOutOptions & Pick<PoolOptions, 'evaluationTimeout' | 'evaluationMemory'>): Fingerprint {
  return {
    ...(holdout !== undefined && { holdout }),
    // An evaluation that exceeds them is lost.
    ...(evaluationTimeout !== undefined && { 'evaluation-timeout': evaluationTimeout }),
    ...(evaluationMemory !== undefined && { 'evaluation-memory': evaluationMemory }),
  };
}

/** The record of a command's run in its folder, and what goes with it. */
export class RunJournal {
  private constructor(
    readonly journal: Journal,
    /** The models' logits, where no cache keeps them. */
    readonly logitsStore: PassingCache,
    private readonly problemOptions: { readonly signal?: AbortSignal },
  ) {}

  /** Locks the folder's journal, if there is one. To be closed whatever happens. @throws RadinError naming the process that works in the folder */
  static async open(
    folder: string,
    { restart = false, signal }: { readonly restart?: boolean; readonly signal?: AbortSignal },
    notice: (text: string) => void,
  ): Promise<RunJournal> {
    const journal = await Journal.open(folder, { version: VERSION, restart });
    const onFailure = (message: string) => notice(`note: logits are not kept for a run that goes on: ${message}`);
    return new RunJournal(
      journal,
      new PassingCache(join(folder, LOGITS_FOLDER), { onFailure }),
      signal ? { signal } : {},
    );
  }

  /**
   * Begins the run, or goes on with it. To be called when all that can be refused without an evaluation is.
   * @param options of the command, those on which its results depend @throws RadinError where the folder has another run that is not finished
   */
  async begin(options: Fingerprint, problem: Problem, terminal: Terminal): Promise<void> {
    const fingerprint = { ...options, ...(await problem.fingerprint(this.problemOptions)) };
    for (const line of await this.journal.begin(fingerprint)) terminal.notice(line);
  }

  /** Notes the choice, on disk when this returns: before the test split is opened. @throws RadinError where the run had chosen otherwise before */
  choose(method: string, { ingredients, weights }: Mixture, { pool }: Problem): Promise<void> {
    const models = ingredients.map((index) => pool.ids[index] as string);
    return this.journal.choose({ method, models, weights: ingredients.map((index) => weights[index] as number) });
  }

  /** To be called when the results are on disk. @param record of this process, on which no result depends */
  async finish({ reused, ...facts }: RunRecord): Promise<void> {
    await this.journal.finish({ ...facts, reused: { ...reused } });
    await this.logitsStore.remove();
  }

  /** Gives the folder back. @param failure of the run: where nothing was evaluated before it was refused, nothing is left of it */
  async close(failure?: unknown): Promise<void> {
    const refused = failure instanceof RadinError && this.journal.isEmpty && this.logitsStore.isEmpty;
    // What the run was refused for is what there is to say.
    if (refused) await this.logitsStore.remove().catch(() => undefined);
    await this.journal.close({ refused });
  }
}

/** Runs a task, if there is a journal with that open, and closes it whatever happens. */
export async function closingJournal<T>(journal: RunJournal | undefined, task: () => Promise<T>): Promise<T> {
  let failure: unknown;
  try {
    return await task();
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    await journal?.close(failure);
  }
}
