import {
  adaptive,
  bestIndividual,
  greedySoup,
  logitEnsemble,
  type MixtureScorer,
  monteCarlo,
  type ProposalOptions,
  radin,
  type SearchResult,
  uniformSoup,
  type WeightGeometry,
} from '@radin/core';
import type { PaperMethod } from './result.js';

/** λ of RADIN with the prior (RADIN, Table 1): one more model outweighs any difference in accuracy. */
export const LAMBDA = 1;

export interface SearchSettings {
  readonly budget: number;
  readonly seed: number;
  readonly candidates: number;
  readonly includeUniform: boolean;
  readonly geometry: WeightGeometry;
  readonly signal?: AbortSignal;
}

/** A method of Table 1 that chooses by validation. */
export interface Method {
  readonly name: PaperMethod;
  readonly title: string;
  /** Whether it has a budget; one without is run once. */
  readonly budgeted: boolean;
  /** Whether it depends on the candidates' seed. */
  readonly draws: boolean;
  /** Whether it needs the N passes that cache the models' logits, or their accuracies for the order. */
  readonly needsPasses: boolean;
  search(scorer: MixtureScorer, settings: SearchSettings): Promise<SearchResult>;
}

/** The paper's candidates (RADIN, 4.1) of one seed. */
export function proposalOf({
  seed,
  candidates,
  includeUniform,
}: Omit<SearchSettings, 'budget' | 'geometry'>): ProposalOptions {
  return { samplers: [monteCarlo], candidates, seed, includeUniform };
}

const FREE = { budgeted: false, draws: false, needsPasses: true };
const WALK = { budgeted: true, draws: false, needsPasses: true };
const DRAWN = { budgeted: true, draws: true, needsPasses: true };

/** In the order of the table. */
export const METHODS: readonly Method[] = [
  {
    name: 'best-individual',
    title: 'best individual',
    ...FREE,
    search: (scorer, settings) => bestIndividual(scorer, only(settings)),
  },
  {
    name: 'uniform',
    title: 'uniform soup',
    ...FREE,
    needsPasses: false,
    search: (scorer, settings) => uniformSoup(scorer, only(settings)),
  },
  {
    name: 'logit-ensemble',
    title: 'logit ensemble (no soup)',
    ...FREE,
    search: (scorer, settings) => logitEnsemble(scorer, only(settings)),
  },
  {
    name: 'greedy',
    title: 'greedy',
    ...WALK,
    search: (scorer, settings) => greedySoup(scorer, budgetOf(settings)),
  },
  {
    name: 'greedy-better',
    title: 'greedy with > (code of [4])',
    ...WALK,
    search: (scorer, settings) => greedySoup(scorer, { ...budgetOf(settings), accept: 'better' }),
  },
  {
    name: 'greedy-ascending',
    title: 'greedy, worst first (ablation)',
    ...WALK,
    search: (scorer, settings) => greedySoup(scorer, { ...budgetOf(settings), order: 'worst-first' }),
  },
  {
    name: 'radin',
    title: 'RADIN, λ = 0',
    ...DRAWN,
    search: (scorer, settings) => radin(scorer, { ...proposalOf(settings), ...budgetOf(settings), lambda: 0 }),
  },
  {
    name: 'radin-prior',
    title: `RADIN, λ = ${LAMBDA}`,
    ...DRAWN,
    search: (scorer, settings) => radin(scorer, { ...proposalOf(settings), ...budgetOf(settings), lambda: LAMBDA }),
  },
  {
    name: 'adaptive',
    title: 'adaptive',
    ...WALK,
    search: (scorer, settings) => {
      const { candidates, geometry } = settings;
      return adaptive(scorer, { ...budgetOf(settings), candidates, geometry });
    },
  },
];

const OTHER_TITLES: Readonly<Partial<Record<PaperMethod, string>>> = {
  oracle: 'oracle over the candidates',
  'best-subset': 'best of all subsets',
  'oracle-subset': 'oracle over all subsets',
};

export function titleOf(method: PaperMethod): string {
  return METHODS.find(({ name }) => name === method)?.title ?? OTHER_TITLES[method] ?? method;
}

function only({ signal }: SearchSettings) {
  return signal ? { signal } : {};
}

function budgetOf(settings: SearchSettings) {
  return { budget: settings.budget, ...only(settings) };
}
