/** What a long call is doing. Phases come one after another, some more than once. */
export interface Progress {
  /** `download`: bytes of one file, in MB. `measure`: one pass over the models' weights. `cache`: one pass per model. `score`: stage 1. `evaluate`: real evaluations. `test`: real evaluations that only report. */
  readonly phase: 'download' | 'measure' | 'cache' | 'score' | 'evaluate' | 'test';
  /** Passes or mixtures done, fractions included. */
  readonly done: number;
  readonly total: number;
  /** Best validation score so far, where one is known. */
  readonly best?: number;
}

/** The phase as it is told of: on the validation samples by its own name, on all others as what only reports. */
export function phaseOn(split: 'validation' | 'test' | 'holdout', phase: 'cache' | 'evaluate'): Progress['phase'] {
  return split === 'validation' ? phase : 'test';
}

/** Options of every long call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** Options of a search that can end before its budget is spent. */
export interface StoppableOptions extends CallOptions {
  /** Asks to finish with what is known by now, where `signal` asks to abandon everything. */
  readonly stop?: AbortSignal;
}
