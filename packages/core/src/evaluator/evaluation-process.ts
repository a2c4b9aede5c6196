import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { RadinError, type RadinErrorCode } from '../errors/index.js';
import { type BatchClock, type EvaluationLimits, memoryLimit, residentBytes, START_MILLISECONDS } from './limits.js';
import type { JobReply, ProcessReply, ProcessRequest, ProcessSetup } from './protocol.js';
import { steadyMilliseconds, type ThreadRecord, type ThreadState } from './thread-record.js';

/** How often limits are looked at, in milliseconds. */
const WATCH_INTERVAL = 100;

/** What is passed on of the environment: where the system's linker finds libraries. Nothing else is of use to ONNX Runtime. */
const PASSED_ON = ['LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'SystemRoot'];

/** The end of a process that nobody asked for. */
export interface Loss {
  /** In the words of an error: Expected … but found …. */
  readonly expected: string;
  readonly found: string;
  /** What threads were in that may be the cause. */
  readonly suspects: readonly ThreadState[];
}

interface StartFailure extends Pick<Loss, 'expected' | 'found'> {
  readonly code: RadinErrorCode;
}

interface Watcher {
  reply(reply: JobReply): void;
  lost(loss: Loss): void;
}

/**
 * A process of this library's own in which ONNX Runtime runs a graph: one that crashes, hangs or eats memory takes nothing else
 * with it. It has no standard streams, its own process group, which Ctrl-C does not reach, and ends when this process ends.
 */
export class EvaluationProcess {
  readonly #child: ChildProcess;
  readonly #record: ThreadRecord;
  readonly #clock: BatchClock;
  readonly #memory: number;
  readonly #watcher: Watcher;
  readonly #exited: Promise<void>;
  #watch: NodeJS.Timeout | undefined;
  #loss: Loss | undefined;
  #broken: string | undefined;
  readonly #started = steadyMilliseconds();
  #ready = false;
  /** Whether its end is wanted, or known of. */
  #over = false;
  #onStart: ((failure?: StartFailure) => void) | undefined;

  private constructor(record: ThreadRecord, clock: BatchClock, limits: EvaluationLimits, watcher: Watcher) {
    this.#record = record;
    this.#clock = clock;
    this.#memory = memoryLimit(limits);
    this.#watcher = watcher;
    const passedOn = PASSED_ON.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
    this.#child = fork(createRequire(import.meta.url).resolve('@radin/core/onnx-host'), [], {
      serialization: 'advanced',
      detached: true,
      execArgv: [],
      // ONNX Runtime reads this when it is loaded. Without it, it keeps a device id and events under the home folder to send.
      env: { ...Object.fromEntries(passedOn), ORT_DISABLE_TELEMETRY: '1' },
      cwd: '/',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#child.on('message', (reply: ProcessReply) => this.#receive(reply));
    // A request to a process that has just ended; its end is heard of by itself.
    this.#child.on('error', () => {});
    this.#exited = new Promise((resolve) => {
      this.#child.on('close', (code, signal) => {
        clearInterval(this.#watch);
        this.#end(code, signal);
        resolve();
      });
    });
    this.#watch = setInterval(() => this.#look(), WATCH_INTERVAL);
    this.#watch.unref();
  }

  /**
   * @param graphPath names the graph in errors
   * @throws RadinError (`GRAPH`) where ONNX Runtime refuses the graph, (`EVALUATION`) where it does not survive it
   */
  static async start(
    setup: Omit<ProcessSetup, 'record'>,
    graphPath: string,
    record: ThreadRecord,
    clock: BatchClock,
    limits: EvaluationLimits,
    watcher: Watcher,
  ): Promise<EvaluationProcess> {
    await record.clear();
    const started = new EvaluationProcess(record, clock, limits, watcher);
    try {
      await new Promise<void>((resolve, reject) => {
        started.#onStart = (failure) => {
          if (failure === undefined) resolve();
          else
            reject(
              new RadinError(failure.code, `Expected ${failure.expected} but found ${graphPath}: ${failure.found}`),
            );
        };
        started.send({ kind: 'setup', setup: { ...setup, record: record.path } });
      });
      return started;
    } catch (error) {
      await started.end();
      throw error;
    }
  }

  send(request: ProcessRequest): void {
    if (this.#child.connected) this.#child.send(request);
  }

  /** Ends it at once, whatever it is in. */
  async end(): Promise<void> {
    this.#over = true;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #receive(reply: ProcessReply): void {
    switch (reply.kind) {
      case 'ready':
        this.#ready = true;
        this.#onStart?.();
        return;
      case 'broken':
        this.#broken = reply.message;
        if (this.#ready) this.#child.kill('SIGKILL');
        else this.#onStart?.({ code: 'GRAPH', expected: 'a graph that ONNX Runtime can run', found: reply.message });
        return;
      case 'batch':
        this.#clock.add(reply.milliseconds);
    }
    if (!this.#over) this.#watcher.reply(reply);
  }

  /** Kills the process where it has taken more than it may. */
  #look(): void {
    if (this.#loss !== undefined || this.#over) return;
    const states = this.#record.read();
    const { limit } = this.#clock;
    const late = states.filter(({ milliseconds }) => milliseconds > limit);
    if (late.length > 0) {
      this.#kill(`a batch that takes at most ${seconds(limit)}`, 'one that takes longer', late);
    } else if (!this.#ready && steadyMilliseconds() - this.#started > START_MILLISECONDS) {
      this.#kill(`a graph that is loaded within ${seconds(START_MILLISECONDS)}`, 'one that takes longer', []);
    }
    const bytes = residentBytes(this.#child.pid as number);
    if (bytes !== undefined && bytes > this.#memory) {
      this.#kill(
        `an evaluation within ${mebibytes(this.#memory)} of memory`,
        `one that takes ${mebibytes(bytes)}`,
        states,
      );
    }
  }

  #kill(expected: string, found: string, suspects: readonly ThreadState[]): void {
    this.#loss = { expected, found, suspects };
    this.#child.kill('SIGKILL');
  }

  #end(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#over) return;
    this.#over = true;
    const ended =
      this.#broken ?? (signal === null ? `that it ended with code ${code}` : `that it was killed by ${signal}`);
    const loss = this.#loss ?? {
      expected: 'a process of ONNX Runtime that lives on',
      found: ended,
      suspects: this.#record.read(),
    };
    if (this.#ready) this.#watcher.lost(loss);
    else this.#onStart?.({ code: 'EVALUATION', ...loss });
  }
}

function seconds(milliseconds: number): string {
  return `${Number((milliseconds / 1000).toPrecision(3))} s`;
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
