import type { Random } from '@radin/core';

/** Files of one mutant by their names in its folder; a text is where a symbolic link of that name leads. */
export type MutantFiles = Readonly<Record<string, Uint8Array | string>>;

/** What another program says of the same file, and what it calls the tensors: `peer.py`. */
export type PeerName = 'numpy' | 'torch' | 'onnx';

export interface ReadTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Of the little-endian bytes in C order. */
  readonly sha256: string;
}

/** One reader of files or texts that RADIN does not trust. */
export interface Reader {
  readonly name: string;
  /** Where another program reads the same files: what both accept must be equal. */
  readonly peer?: {
    readonly name: PeerName;
    readonly file: string;
    /** What it refuses and we accept, by its words, with why that is right. */
    readonly explained: readonly (readonly [words: RegExp, why: string])[];
  };
  /** Whether reading starts programs, which all others must not. */
  readonly startsProcesses?: boolean;
  /** The files of a mutant, which depend on the random numbers only. */
  mutate(random: Random): MutantFiles;
  /**
   * Reads the files of a mutant, with all data. @throws RadinError where they are refused; anything else is a finding
   * @returns the tensors, where there is a peer
   */
  read(folder: string): Promise<readonly ReadTensor[] | undefined>;
  /** Ends what the reader started. */
  close?(): Promise<void>;
}
