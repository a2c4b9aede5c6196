import { CONFIDENCE, wilsonInterval } from '@radin/core';
import type { Discordance, PaperRow, PaperRun, SignificantRuns } from './result.js';
import { spreadOf } from './spread.js';

/** McNemar's p from which a run counts as neither better nor worse. */
const SIGNIFICANCE = 0.05;

interface RowFacts {
  /** Of the split that intervals are of. */
  readonly samples: number;
  readonly secondsPerEvaluation: number | null;
}

/** The rows of Table 1: the runs of one method at one budget together, methods without a budget in their place. */
export function tableRows(runs: readonly PaperRun[], { samples, secondsPerEvaluation }: RowFacts): PaperRow[] {
  const groups = new Map<string, PaperRun[]>();
  for (const run of runs) {
    const key = `${run.method} ${run.budget}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [run]);
    else group.push(run);
  }
  return [...groups.values()].map((group) => {
    const { method, budget } = group[0] as PaperRun;
    const over = (value: (run: PaperRun) => number) => spreadOf(group.map(value));
    const hasTest = group.every(({ test }) => test !== undefined);
    const test = over((run) => run.test ?? 0);
    const validation = over((run) => run.validation);
    const passes = over((run) => run.passes);
    const singles = significant(group.map(({ versusBestIndividual }) => versusBestIndividual));
    const greedy = significant(group.map(({ versusGreedy }) => versusGreedy));
    return {
      method,
      budget,
      runs: group.length,
      models: over((run) => run.models.length),
      validation,
      ...(hasTest && { test, gap: over((run) => run.validation - (run.test as number)) }),
      interval: wilsonInterval((hasTest ? test : validation).mean * samples, samples, CONFIDENCE),
      evaluations: over((run) => run.evaluations),
      passes,
      stage1Seconds: over((run) => run.stage1Seconds),
      evaluationSeconds: secondsPerEvaluation === null ? null : passes.mean * secondsPerEvaluation,
      ...(singles && { versusBestIndividual: singles }),
      ...(greedy && { versusGreedy: greedy }),
    };
  });
}

function significant(tests: readonly (Discordance | undefined)[]): SignificantRuns | undefined {
  const found = tests.filter((test) => test !== undefined);
  if (found.length === 0) return undefined;
  const clear = found.filter(({ p }) => p < SIGNIFICANCE);
  const better = clear.filter(({ onlyThis, onlyOther }) => onlyThis > onlyOther).length;
  return { better, worse: clear.length - better, neither: found.length - clear.length };
}
