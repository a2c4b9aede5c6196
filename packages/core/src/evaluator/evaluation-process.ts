import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { RadinError, type RadinErrorCode } from '../errors/index.js';
import { type BatchClock, type EvaluationLimits, memoryLimit, residentBytes, START_MILLISECONDS } from './limits.js';
import type { MemoryMeter } from './memory-meter.js';
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
  /** Whether the machine refused what any evaluation needs. */
  readonly isMachineFault: boolean;
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
  /**
   * Resolves when requests can be sent.
   * @throws RadinError (`GRAPH`) where ONNX Runtime refuses the graph, (`EVALUATION`) where the process does not survive it
   */
  readonly ready: Promise<void>;
  readonly #child: ChildProcess;
  readonly #record: ThreadRecord;
  readonly #clock: BatchClock;
  readonly #memory: number;
  readonly #watcher: Watcher;
  readonly #exited: Promise<void>;
  readonly #watch: NodeJS.Timeout;
  readonly #started = steadyMilliseconds();
  #onReady!: () => void;
  #onFailure!: (error: Error) => void;
  #isReady = false;
  #loss: Loss | undefined;
  /** Jobs that it has been sent and whose threads have not left them. */
  #jobs = 0;
  /** Milliseconds for which it has had a job, no thread was in a batch, and nothing was heard of it; and when that was last looked at. */
  #quiet = 0;
  #looked = steadyMilliseconds();
  #broken: Extract<ProcessReply, { kind: 'broken' }> | undefined;
  /** Whether its end is wanted, or known of. */
  #over = false;
  #endedUnasked = false;

  /** Starts the process. @param graphPath names the graph in errors */
  constructor(
    setup: Omit<ProcessSetup, 'record'>,
    private readonly graphPath: string,
    record: ThreadRecord,
    clock: BatchClock,
    limits: EvaluationLimits & { readonly meter?: MemoryMeter },
    watcher: Watcher,
  ) {
    this.#record = record;
    this.#clock = clock;
    this.#memory = memoryLimit(limits);
    this.#watcher = watcher;
    record.clear();
    this.#child = startHost();
    const { pid } = this.#child;
    const counted = pid === undefined ? undefined : limits.meter?.add({ pid });
    this.#child.on('message', (reply: ProcessReply) => this.#receive(reply));
    this.ready = new Promise((resolve, reject) => {
      this.#onReady = resolve;
      this.#onFailure = reject;
    });
    this.#exited = new Promise((resolve) => {
      const ended = (how: string) => {
        clearInterval(this.#watch);
        counted?.remove();
        this.#end(how);
        resolve();
      };
      this.#child.on('close', (code, signal) => {
        const how = signal === null ? `that it ended with code ${code}` : `that it was killed by ${signal}`;
        // What it said before is still to be heard.
        if (this.#child.connected) this.#child.once('disconnect', () => ended(how));
        else ended(how);
      });
      this.#child.on('error', ({ message }) => {
        // Else a request to a process that has just ended, whose end is heard of by itself.
        if (this.#child.pid === undefined) ended(`none, since it cannot be started: ${message}`);
      });
    });
    this.#watch = setInterval(() => this.#look(), WATCH_INTERVAL);
    this.#watch.unref();
    this.send({ kind: 'setup', setup: { ...setup, record: record.path } });
  }

  /** Whether it has ended, and neither a limit nor ONNX Runtime's word was why: a crash, or somebody's kill. */
  get endedUnasked(): boolean {
    return this.#endedUnasked;
  }

  send(request: ProcessRequest): void {
    if (request.kind === 'job') this.#jobs++;
    if (this.#child.connected) this.#child.send(request);
  }

  /** Ends it at once, whatever it is in. */
  async end(): Promise<void> {
    this.#over = true;
    clearInterval(this.#watch);
    this.#onFailure(new Error('the process was ended'));
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #receive(reply: ProcessReply): void {
    this.#quiet = 0;
    switch (reply.kind) {
      case 'ready':
        // It may have been loaded before anyone looked.
        this.#look();
        if (this.#loss !== undefined) return;
        this.#isReady = true;
        this.#onReady();
        return;
      case 'broken':
        this.#broken = reply;
        if (this.#isReady) this.#child.kill('SIGKILL');
        else this.#fail('GRAPH', 'a graph that ONNX Runtime can run', reply.message);
        return;
      case 'batch':
        this.#clock.add(reply.milliseconds);
        break;
      case 'left':
        this.#jobs--;
    }
    if (!this.#over) this.#watcher.reply(reply);
  }

  #fail(code: RadinErrorCode, expected: string, found: string): void {
    this.#onFailure(new RadinError(code, `Expected ${expected} but found ${this.graphPath}: ${found}`));
  }

  /** Kills the process where it has taken more than it may. */
  #look(): void {
    if (this.#loss !== undefined || this.#over) return;
    const states = this.#states();
    const { limit } = this.#clock;
    const late = states.filter(({ milliseconds }) => milliseconds > limit);
    const now = steadyMilliseconds();
    // Where this process itself was stopped for a while, the other one has not been quiet for so long.
    const passed = Math.min(now - this.#looked, 2 * WATCH_INTERVAL);
    this.#quiet = this.#jobs === 0 || states.length > 0 ? 0 : this.#quiet + passed;
    this.#looked = now;
    if (this.#quiet > limit) {
      this.#kill(`a batch that is begun within ${seconds(limit)}`, 'none', []);
    } else if (late.length > 0) {
      this.#kill(`a batch that takes at most ${seconds(limit)}`, 'one that takes longer', late);
    } else if (!this.#isReady && steadyMilliseconds() - this.#started > START_MILLISECONDS) {
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

  /** What threads are in; none where that cannot be read, which the next look may. */
  #states(): ThreadState[] {
    try {
      return this.#record.read();
    } catch (error) {
      if (error instanceof RadinError) return [];
      throw error;
    }
  }

  #kill(expected: string, found: string, suspects: readonly ThreadState[]): void {
    this.#loss = { expected, found, suspects, isMachineFault: false };
    this.#child.kill('SIGKILL');
  }

  #end(how: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#endedUnasked = this.#loss === undefined && this.#broken === undefined;
    const loss = this.#loss ?? {
      expected: 'a process of ONNX Runtime that lives on',
      found: this.#broken?.message ?? how,
      suspects: this.#states(),
      isMachineFault: this.#broken?.isMachineFault ?? false,
    };
    if (this.#isReady) this.#watcher.lost(loss);
    else this.#fail('EVALUATION', loss.expected, loss.found);
  }
}

function startHost(): ChildProcess {
  const passedOn = PASSED_ON.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return fork(createRequire(import.meta.url).resolve('@radin/core/onnx-host'), [], {
    serialization: 'advanced',
    detached: true,
    execArgv: [],
    // ONNX Runtime reads this when it is loaded. Without it, it keeps a device id and events under the home folder to send.
    env: { ...Object.fromEntries(passedOn), ORT_DISABLE_TELEMETRY: '1' },
    cwd: '/',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}

function seconds(milliseconds: number): string {
  return `${Number((milliseconds / 1000).toPrecision(3))} s`;
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
