import type { ProcessRun, SoupingMethod, SoupingRow } from './result.js';

/** One step of greedy, with the model's index in the pool. */
export interface TraceStep {
  readonly model: number;
  readonly score: number;
  readonly kept: boolean;
}

/** What one run found, with what the two sides are compared by. */
export interface Outcome {
  /** Indices in the pool. */
  readonly models: readonly number[];
  readonly weights: readonly number[];
  readonly valScore: number;
  readonly evaluations: number;
  readonly passes?: number;
  readonly trace?: readonly TraceStep[];
  /** RADIN's candidates by key (see `candidateKey`): the approximate score, and the real one where a soup was evaluated to the end. */
  readonly candidates?: ReadonlyMap<string, { readonly approxScore: number; readonly valScore?: number }>;
  /** Keys of the candidates whose soups were evaluated. */
  readonly evaluated?: readonly string[];
  /** The soup's file: safetensors of ours, a state dict of the peers'. */
  readonly soup: string;
  /** Of the warm-up runs of peers only. */
  readonly testScore?: number;
}

export interface Contender extends Pick<SoupingRow, 'name' | 'side' | 'threads'> {
  readonly method: SoupingMethod;
  /** Searches in a process of its own. */
  run(warmUp: boolean): Promise<{ readonly timed: ProcessRun; readonly outcome: Outcome }>;
}

/** A subset of the pool as one word. */
export function candidateKey(models: readonly number[]): string {
  return [...models].sort((a, b) => a - b).join(' ');
}
