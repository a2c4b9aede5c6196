import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modelId } from '@radin/core';
import type { TestedPoolFiles } from '../soups/pool-folder.js';
import type { Contender, Outcome } from './contender.js';
import { candidateKey } from './contender.js';
import type { SoupingOptions } from './options.js';
import type { Phase } from './result.js';
import { wholeProcess } from './whole-process.js';

/** The command line's program. */
export const RADIN = fileURLToPath(new URL('../../../cli/bin/radin.js', import.meta.url));
const GREEDY = fileURLToPath(new URL('../../dist/souping/greedy-process.js', import.meta.url));

/** What the command line calls its phases; `measure` is where the models lie in weight space, which warns of outliers. */
const PHASES: Readonly<Record<string, Phase>> = { cache: 'singles', score: 'stage1', evaluate: 'soups' };

interface Described {
  readonly models: readonly string[];
  readonly weights: readonly number[];
  readonly approxScore: number;
  readonly valScore?: number;
  readonly valScoreAtMost?: number;
}

/** The part of `search --json` that is read here. */
interface SearchReport {
  readonly best: Described & { readonly valScore: number };
  readonly evaluations: number;
  readonly passes?: number;
  readonly candidates: readonly Described[];
  readonly timings: Readonly<Record<string, number>>;
}

interface OurSearches {
  /** What is timed. */
  readonly contenders: readonly Contender[];
  /** RADIN with full passes, whose scores can be compared: the race stops most soups early. */
  readonly unraced: Contender;
}

/** Our searches on one number of threads, without any cache. Results are written to `folder`. */
export function ourSearches(
  files: TestedPoolFiles,
  options: SoupingOptions,
  threads: number,
  folder: string,
): OurSearches {
  const indexOf = new Map(files.models.map((path, index) => [modelId(path), index]));
  const indices = (models: readonly string[]) => models.map((id) => indexOf.get(id) as number);
  const search = (name: string, method: 'radin' | 'adaptive', args: readonly string[]): Contender => ({
    name,
    side: 'ours',
    method,
    threads,
    run: async () => {
      const out = join(folder, `ours-${method}-${threads}`);
      const { answer, ...time } = await wholeProcess(process.execPath, [
        RADIN,
        ...['search', '--graph', files.graph, '--models', ...files.models],
        ...['--val-inputs', files.validation.inputs, '--val-labels', files.validation.labels],
        ...(files.output === undefined ? [] : ['--output', files.output]),
        ...['--budget', String(options.budget), '--threads', String(threads), ...args],
        ...['--no-cache', '--quiet', '--json', '--out', out],
      ]);
      const report = answer as SearchReport;
      const phases = Object.fromEntries(
        Object.entries(report.timings).flatMap(([phase, value]) => (PHASES[phase] ? [[PHASES[phase], value]] : [])),
      );
      const { best, evaluations, passes } = report;
      const outcome: Outcome = {
        models: indices(best.models),
        weights: best.weights,
        valScore: best.valScore,
        evaluations,
        ...(passes !== undefined && { passes }),
        ...(method === 'radin' && candidatesOf(report, indices)),
        soup: join(out, 'soup.safetensors'),
      };
      return { timed: { ...time, phases }, outcome };
    },
  });
  const draws = ['--candidates', String(options.candidates), '--seed', String(options.seed)];
  const paper = ['--strategy', 'radin', '--no-include-uniform', ...draws];
  return {
    contenders: [
      greedy(files, threads, folder),
      search('radin search --strategy radin', 'radin', paper),
      search('radin search (adaptive)', 'adaptive', ['--seed', String(options.seed)]),
    ],
    unraced: search('radin search --strategy radin --racing off', 'radin', [...paper, '--racing', 'off']),
  };
}

function candidatesOf({ candidates }: SearchReport, indices: (models: readonly string[]) => number[]) {
  const key = ({ models }: Described) => candidateKey(indices(models));
  return {
    candidates: new Map(candidates.map((candidate) => [key(candidate), candidate])),
    evaluated: candidates.filter((found) => (found.valScore ?? found.valScoreAtMost) !== undefined).map(key),
  };
}

function greedy(files: TestedPoolFiles, threads: number, folder: string): Contender {
  return {
    name: 'radin greedySoup',
    side: 'ours',
    method: 'greedy',
    threads,
    run: async () => {
      const soup = join(folder, `ours-greedy-${threads}.safetensors`);
      const request = JSON.stringify({ files, threads, out: soup });
      const { answer, ...time } = await wholeProcess(process.execPath, [GREEDY, request]);
      const { phases, ...found } = answer as Omit<Outcome, 'soup'> & { phases: Record<string, number> };
      // Its first step is the best individual, whose score is known from its pass.
      const outcome = { ...found, evaluations: found.evaluations - 1, soup };
      return { timed: { ...time, phases }, outcome };
    },
  };
}
