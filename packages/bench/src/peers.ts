import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('../peers/serve.py', import.meta.url));
/** A virtual environment's python3 often lacks the packages that the distribution's has. */
const PYTHONS = ['python3', '/usr/bin/python3'];

type Reply = Readonly<Record<string, unknown>>;

/** A Python process that runs the peers' tasks on data of its own, and measures them itself. */
export class Peers {
  /** Python, numpy, torch, BLAS. */
  readonly versions: Readonly<Record<string, string>>;
  readonly #tasks: ReadonlySet<string>;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>, lines: Interface, info: Reply) {
    const { tasks, ...versions } = info;
    this.#child = child;
    this.#lines = lines;
    this.#tasks = new Set(tasks as string[]);
    this.versions = versions as Record<string, string>;
  }

  /** @returns undefined, after a notice, where no Python with numpy is found */
  static async start(onNotice: (text: string) => void): Promise<Peers | undefined> {
    const python = pythonWith('numpy, torch') ?? pythonWith('numpy');
    if (python === undefined) {
      onNotice('peers are skipped: no python3 with numpy found (on Debian: python3-numpy, python3-torch)');
      return undefined;
    }
    const env = workingEnvironment(python);
    if (env === undefined) {
      onNotice('peers are skipped: their BLAS gives wrong products on this processor');
      return undefined;
    }
    const child = spawn(python, ['-B', SCRIPT], { env: env.variables, stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout });
    child.stdin.on('error', () => {}); // its end is told to whoever waits for an answer
    const info = await ask(child, lines, { call: 'info' });
    if (env.core !== undefined) {
      onNotice(
        `the peers' BLAS runs with OPENBLAS_CORETYPE=${env.core}: without it its products fail on this processor`,
      );
    }
    if (!('torch' in info)) onNotice('peers with torch are skipped: it is not installed (on Debian: python3-torch)');
    return new Peers(child, lines, info);
  }

  /** False once the process has ended, such as where memory ran out. */
  get isRunning(): boolean {
    return isRunning(this.#child);
  }

  has(task: string): boolean {
    return this.#tasks.has(task);
  }

  /** One call at a time. @throws Error with the peer's own words where it fails */
  async call(request: Reply): Promise<Reply> {
    return ask(this.#child, this.#lines, request);
  }

  async stop(): Promise<void> {
    this.#child.stdin.end();
    if (this.isRunning) await new Promise((resolve) => this.#child.once('exit', resolve));
  }
}

/** A Python that has these modules; undefined where there is none. */
export function pythonWith(modules: string): string | undefined {
  return PYTHONS.find((name) => spawnSync(name, ['-c', `import ${modules}`]).status === 0);
}

function isRunning({ exitCode, signalCode }: ChildProcessByStdio<Writable, Readable, null>): boolean {
  return exitCode === null && signalCode === null;
}

async function ask(
  child: ChildProcessByStdio<Writable, Readable, null>,
  lines: Interface,
  request: Reply,
): Promise<Reply> {
  const ended = new Error('the Python process of the peers has ended');
  if (!isRunning(child)) throw ended;
  const reply = new Promise<string>((resolve, reject) => {
    const fail = () => reject(ended);
    child.once('exit', fail);
    lines.once('line', (line) => {
      child.off('exit', fail);
      resolve(line);
    });
  });
  child.stdin.write(`${JSON.stringify(request)}\n`);
  const answer = JSON.parse(await reply) as Reply;
  if ('error' in answer) throw new Error(String(answer.error));
  return answer;
}

/**
 * The environment in which the peers' BLAS works: with the kernel that it chooses itself, which is fair to it, else with the
 * one that the environment asks for, else with one that all processors with AVX2 run.
 */
export function workingEnvironment(python: string): { variables: NodeJS.ProcessEnv; core?: string } | undefined {
  const { OPENBLAS_CORETYPE: asked, ...free } = process.env;
  for (const core of [undefined, asked, 'Haswell']) {
    const variables = core === undefined ? free : { ...free, OPENBLAS_CORETYPE: core };
    if (spawnSync(python, ['-B', SCRIPT, '--self-test'], { env: variables }).status === 0) {
      return { variables, ...(core !== undefined && { core }) };
    }
  }
  return undefined;
}
