import {
  checkRacing,
  isMean,
  type Metric,
  type ProposalOptions,
  quote,
  type Racing,
  RadinError,
  SAMPLERS,
} from '@radin/core';
import { type Command, Option } from 'commander';
import { integer, list, nonNegative, properFraction } from './option-values.js';

const count = integer(1, 1e9);

export interface RacingOptions {
  readonly racing: Racing['mode'];
  readonly racingError: number;
}

export interface HoldOutOptions {
  readonly holdout?: number;
}

export interface CandidateOptions {
  readonly candidates: number;
  readonly sampler: readonly string[];
  readonly seed: number;
  readonly includeUniform: boolean;
}

export function withCandidateOptions(command: Command): Command {
  return command
    .option('--candidates <C>', 'candidates that each sampler proposes and stage 1 ranks', integer(1, 1_000_000), 200)
    .addOption(
      new Option(
        '--sampler <name,…>',
        `how candidates are proposed, one or several of ${SAMPLERS.map(({ name }) => name).join(', ')}`,
      )
        .argParser(list(String))
        .default(['monte-carlo'], 'monte-carlo'),
    )
    .option(
      '--seed <S>',
      'seed of random candidates, of the hold-out and of the estimate of the winner’s curse',
      integer(0, Number.MAX_SAFE_INTEGER),
      0,
    )
    .option('--no-include-uniform', 'leave the uniform soup of all models out of the candidates of the paper’s search');
}

export function withBudget(command: Command): Command {
  return command
    .option('--budget <B>', 'full evaluations that are allowed', count, 25)
    .option('--lambda <L>', 'prior for larger subsets, added to the score for each model', nonNegative, 0);
}

/** Options of the paper's search that `adaptive` has no use for. */
const RADIN_OPTIONS = ['lambda', 'sampler', 'includeUniform'];

export function withStrategy(command: Command): Command {
  return command.addOption(
    new Option(
      '--strategy <name>',
      'adaptive learns from each evaluation what to evaluate next; radin is the paper’s, and what --lambda and --sampler belong to (default: adaptive, radin with one of these)',
    ).choices(['adaptive', 'radin']),
  );
}

/** The strategy that the options name, or ask for by what belongs to it. @throws RadinError where these disagree */
export function strategyOption(command: Command): 'adaptive' | 'radin' {
  const given = RADIN_OPTIONS.filter((name) => command.getOptionValueSource(name) === 'cli');
  const named: 'adaptive' | 'radin' | undefined = command.getOptionValue('strategy');
  if (named === 'adaptive' && given.length > 0) {
    const flag = command.options.find((option) => option.attributeName() === given[0])?.long;
    throw new RadinError('CONFIG', `Expected --strategy radin with ${flag} but found adaptive`);
  }
  const racing: Racing['mode'] = command.getOptionValue('racing');
  if (command.getOptionValueSource('racingError') === 'cli' && racing !== 'statistical') {
    throw new RadinError('CONFIG', `Expected --racing statistical with --racing-error but found ${racing}`);
  }
  return named ?? (given.length > 0 ? 'radin' : 'adaptive');
}

export function withRacing(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--racing <mode>',
        'stop evaluations that can no longer win (exact), with --strategy radin also those that win with a small probability only (statistical)',
      )
        .choices(['exact', 'off', 'statistical'])
        .default('exact'),
    )
    .option(
      '--racing-error <δ>',
      'probability that a statistical race stops the soup that full passes would choose',
      properFraction,
      0.01,
    );
}

/** The race that the options ask for. @throws RadinError where it needs another metric or strategy */
export function racingOptions(
  { racing, racingError, seed }: RacingOptions & CandidateOptions,
  metric: Metric,
  strategy: 'adaptive' | 'radin',
  wholeOnly: boolean,
): Racing {
  if (racing !== 'statistical') return { mode: wholeOnly || !isMean(metric) ? 'off' : racing };
  // Its error is that of one race among soups that are fixed beforehand, not of a sequence that each race changes.
  if (strategy !== 'radin') {
    throw new RadinError('CONFIG', `Expected --strategy radin with --racing statistical but found ${strategy}`);
  }
  const race: Racing = { mode: racing, error: racingError, seed };
  checkRacing(metric, race);
  return race;
}

export function withHoldOut(command: Command): Command {
  return command.option(
    '--holdout <F>',
    'keep this fraction of the validation samples out of all choices and report the chosen soup on it',
    properFraction,
  );
}

export interface ExplainOptions {
  readonly explain?: true;
}

export function withExplain(command: Command): Command {
  return command.option(
    '--explain',
    'print what each model and pair is worth to the ensemble: Shapley and leave-one-out',
  );
}

export interface RestartOptions {
  readonly restart?: true;
}

export function withRestart(command: Command): Command {
  return command.option(
    '--restart',
    'begin anew where the folder of --out has the journal of an unfinished run, which the same command goes on with',
  );
}

export function withBudgets(command: Command): Command {
  return command.addOption(
    new Option('--budgets <B,…>', 'budgets to compare at').argParser(list(count)).default([1, 5, 25], '1,5,25'),
  );
}

export const topCount = integer(1, 1_000_000);

/** What the candidate options ask for. @throws RadinError for an unknown sampler */
export function proposalOptions({ candidates, sampler, seed, includeUniform }: CandidateOptions): ProposalOptions {
  const samplers = [...new Set(sampler)].map((wanted) => {
    const found = SAMPLERS.find(({ name }) => name === wanted);
    if (found !== undefined) return found;
    throw new RadinError(
      'CONFIG',
      `Expected a sampler (${SAMPLERS.map(({ name }) => name).join(', ')}) but found ${quote(wanted)}`,
    );
  });
  return { samplers, candidates, seed, includeUniform };
}
