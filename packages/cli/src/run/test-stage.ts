import { type CallOptions, LostEvaluation, type Problem, type SplitScorer, unlessStopped } from '@radin/core';
import type { Terminal } from '../terminal/terminal.js';
import type { CommandContext } from './run-context.js';

/** What the test split says of a choice. */
export interface TestStage<Found> {
  /** Undefined where there is no test split, and where it says nothing. */
  readonly found?: Found;
  /** Whether it was left out, in whole or in part, as the user asked to finish. */
  readonly interrupted: boolean;
  /** Why it says nothing. The choice stands: it is to be printed first. */
  readonly failure?: Error;
}

/** Whether the same command would find no more: not where the user can repair the split, but where an evaluation is lost. */
export function isOver({ interrupted, failure }: TestStage<unknown>): boolean {
  return !interrupted && (failure === undefined || failure instanceof LostEvaluation);
}

/** Opens the test split and reports by it. To be called when the choice is on disk: nothing has been read of the split until then. */
export function reportOnTest<Found>(
  problem: Problem,
  terminal: Terminal,
  { interruption, signal }: CommandContext,
  report: (test: SplitScorer, call: CallOptions) => Promise<Found>,
): Promise<TestStage<Found>> {
  return interruption.finishable(async (stop) => {
    if (problem.unopenedTest === undefined) return { interrupted: false };
    try {
      const found = await unlessStopped(stop, async () => {
        stop.throwIfAborted();
        const test = await problem.openTest();
        const call = { signal: AbortSignal.any([signal, stop]), onProgress: terminal.onProgress };
        return test && { of: await report(test, call) };
      });
      return found === undefined ? { interrupted: stop.aborted } : { found: found.of, interrupted: false };
    } catch (error) {
      if (signal.aborted) throw error;
      return { interrupted: false, failure: error instanceof Error ? error : new Error(String(error)) };
    }
  });
}
