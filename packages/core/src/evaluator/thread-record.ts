import { openSync, readSync, writeSync } from 'node:fs';
import { fileError } from '../errors/index.js';
import { TemporaryFile } from '../formats/light.js';

/** Numbers of a thread: job, place, and when it began, in milliseconds of the system's steady clock. */
const NUMBERS = 3;
const BYTES = NUMBERS * Float64Array.BYTES_PER_ELEMENT;
const IDLE = -1;

/** What a thread is in. */
export interface ThreadState {
  readonly job: number;
  /** Place of the batch's first sample in the job's order. */
  readonly place: number;
  readonly milliseconds: number;
}

/**
 * A file in which each evaluation thread notes what it begins. It can be read whatever has become of the threads' process: what
 * they were in when it died or hung is known without its help.
 */
export class ThreadRecord {
  readonly #file = TemporaryFile.open('memory');

  constructor(private readonly threads: number) {}

  get path(): string {
    return this.#file.path;
  }

  /** For the threads of a new process. @throws RadinError */
  clear(): void {
    const states = new Float64Array(NUMBERS * this.threads).fill(IDLE);
    try {
      writeSync(this.#file.fd, states, 0, states.byteLength, 0);
    } catch (error) {
      throw fileError('write', this.path, error);
    }
  }

  /** Of the threads that are in a batch. @throws RadinError */
  read(): ThreadState[] {
    const states = new Float64Array(NUMBERS * this.threads).fill(IDLE);
    try {
      readSync(this.#file.fd, states, 0, states.byteLength, 0);
    } catch (error) {
      throw fileError('read', this.path, error);
    }
    const now = steadyMilliseconds();
    return Array.from({ length: this.threads }, (_, thread) => {
      const [job, place, begun] = states.subarray(thread * NUMBERS) as unknown as [number, number, number];
      return { job, place, milliseconds: now - begun };
    }).filter(({ job }) => job !== IDLE);
  }

  close(): void {
    this.#file.close();
  }
}

/** A thread's own place in the record. */
export class ThreadNote {
  readonly #state = new Float64Array(NUMBERS);
  readonly #fd: number;

  constructor(
    path: string,
    private readonly thread: number,
  ) {
    this.#fd = openSync(path, 'r+');
  }

  begin(job: number, place: number): void {
    this.#write(job, place);
  }

  end(): void {
    this.#write(IDLE, IDLE);
  }

  #write(job: number, place: number): void {
    this.#state.set([job, place, steadyMilliseconds()]);
    writeSync(this.#fd, this.#state, 0, BYTES, this.thread * BYTES);
  }
}

/** Of a clock that all processes share and that nobody sets. */
export function steadyMilliseconds(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
