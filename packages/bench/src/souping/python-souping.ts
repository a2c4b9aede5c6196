import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PoolFiles } from '@radin/core';
import { pythonWith, workingEnvironment } from '../peers.js';
import { type Contender, candidateKey, type TraceStep } from './contender.js';
import type { SoupingOptions } from './options.js';
import type { FoundSoup, Phase } from './result.js';
import { wholeProcess } from './whole-process.js';

const SCRIPT = fileURLToPath(new URL('../../peers/souping.py', import.meta.url));
/** Where networks of `tools/` import from. */
const TRAINING = fileURLToPath(new URL('../../../../tools/training', import.meta.url));

interface Reply {
  readonly phases: Readonly<Partial<Record<Phase, number>>>;
  readonly models: readonly number[];
  readonly valScore: number;
  readonly testScore?: number;
  readonly evaluations: number;
  readonly trace?: readonly TraceStep[];
  readonly approxScores?: readonly number[];
  readonly evaluated?: readonly { readonly candidate: number; readonly score: number }[];
}

/** How far an average is from the exact one, rounded once. */
export interface AverageDifference {
  readonly elements: number;
  /** Elements of our soup that differ. */
  readonly differ: number;
  /** Elements that differ in a soup by the usual loop. */
  readonly loopDiffers: number;
  /** Largest distance of ours from the exact average. */
  readonly largest: number;
}

/** PyTorch programs that do the same job, one process each. */
export class PythonSouping {
  #requests = 0;

  private constructor(
    readonly versions: Readonly<Record<string, string>>,
    readonly states: readonly string[],
    private readonly python: string,
    private readonly variables: NodeJS.ProcessEnv,
    private readonly folder: string,
  ) {}

  /** Converts the models to state dicts in `folder`. @returns undefined, after a notice, where there is no PyTorch */
  static async open(
    models: readonly string[],
    folder: string,
    onNotice: (text: string) => void,
  ): Promise<PythonSouping | undefined> {
    const python = pythonWith('numpy, torch');
    if (python === undefined) {
      onNotice('the peers are skipped: no python3 with numpy and torch found (on Debian: python3-torch)');
      return undefined;
    }
    const working = workingEnvironment(python);
    if (working === undefined) {
      onNotice('the peers are skipped: their BLAS gives wrong products on this processor');
      return undefined;
    }
    const variables = {
      ...working.variables,
      PYTHONPATH: TRAINING,
      PYTHONDONTWRITEBYTECODE: '1',
      // Threads of OpenMP that spin while they wait slow a process tenfold and more where other work has the cores.
      OMP_WAIT_POLICY: 'passive',
    };
    const states = models.map((_, index) => join(folder, `state-${index}.pt`));
    const converting = new PythonSouping({}, states, python, variables, folder);
    const { answer } = await converting.#call({ call: 'convert', models, states });
    return new PythonSouping(answer as Record<string, string>, states, python, variables, folder);
  }

  /** How exactly soups of ours were averaged. */
  async compareAverages(
    soups: readonly {
      readonly models: readonly number[];
      readonly weights: readonly number[];
      readonly soup: string;
    }[],
  ): Promise<readonly AverageDifference[]> {
    const asked = soups.map(({ models, weights, soup }) => ({ models, weights, soup }));
    return (await this.#call({ call: 'compare', states: this.states, soups: asked })).answer as AverageDifference[];
  }

  /** Greedy and RADIN on one number of threads; the warm-up run also writes the models' logits to `logits`. */
  contenders(
    files: Required<Pick<PoolFiles, 'test'>> & PoolFiles,
    classes: number,
    candidates: readonly (readonly number[])[],
    options: SoupingOptions,
    threads: number,
    logits: string,
  ): Contender[] {
    const { module, batch, budget } = options;
    const { states } = this;
    const contender = (name: string, method: 'greedy' | 'radin', more: object): Contender => ({
      name,
      side: 'peer',
      method,
      threads,
      run: async (warmUp) => {
        const soup = join(this.folder, `peer-${method}-${threads}.pt`);
        const { answer, ...time } = await this.#call({
          ...{ call: method, states, ...files.validation, module, classes, threads, batch, out: soup, ...more },
          ...(warmUp && { logits, test: files.test }),
        });
        const { phases, approxScores, evaluated, ...found } = answer as Reply;
        const weights: FoundSoup['weights'] = found.models.map(() => 1 / found.models.length);
        const real = new Map(evaluated?.map(({ candidate, score }) => [candidate, score]));
        const keys = candidates.map(candidateKey);
        const outcome = {
          ...found,
          weights,
          soup,
          ...(approxScores && {
            candidates: new Map(
              approxScores.map((approxScore, index) => {
                const valScore = real.get(index);
                return [keys[index] as string, { approxScore, ...(valScore !== undefined && { valScore }) }];
              }),
            ),
            evaluated: [...real.keys()].map((index) => keys[index] as string),
          }),
        };
        return { timed: { ...time, phases }, outcome };
      },
    });
    return [contender('torch: greedy soup', 'greedy', {}), contender('torch: RADIN', 'radin', { candidates, budget })];
  }

  #call(request: object): ReturnType<typeof wholeProcess> {
    // An argument of a process holds 128 KiB at most, fewer than many candidates take.
    const path = join(this.folder, `request-${this.#requests++}.json`);
    writeFileSync(path, JSON.stringify(request));
    return wholeProcess(this.python, [SCRIPT, path], this.variables);
  }
}
