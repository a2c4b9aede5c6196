import {
  baseOf,
  COMPOSITE,
  checkEstimate,
  ESTIMATE_NAMES,
  type EstimateFacts,
  type Metric,
  RadinError,
  type SoupEstimateChoice,
} from '@radin/core';
import { type Command, InvalidArgumentError, Option } from 'commander';

export interface EstimateOptions {
  readonly estimate?: SoupEstimateChoice['name'];
  readonly temperature: 'none' | 'per-model';
  readonly smoothing?: number;
}

/** The bounds of τ: beyond them the smoothed accuracy is the accuracy, or the same for all mixtures. */
const [LEAST_SMOOTHING, MOST_SMOOTHING] = [0.001, 1000];

function smoothing(text: string): number {
  const value = /^[\d.eE+-]+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= LEAST_SMOOTHING && value <= MOST_SMOOTHING) return value;
  throw new InvalidArgumentError(`a number from ${LEAST_SMOOTHING} to ${MOST_SMOOTHING}`);
}

/** @param composite whether there are weights to estimate by */
export function withEstimate(command: Command, composite: boolean): Command {
  const names = composite ? [...ESTIMATE_NAMES, COMPOSITE.name] : ESTIMATE_NAMES;
  const usual = composite ? 'composite, metric with --strategy radin' : 'metric';
  return command
    .addOption(new Option('--estimate <name>', `what stage 1 orders mixtures by (default: ${usual})`).choices(names))
    .addOption(
      new Option(
        '--temperature <mode>',
        'per-model: divide each model’s logits, for the estimate only, by the temperature that suits it best',
      )
        .choices(['none', 'per-model'])
        .default('none'),
    )
    .option('--smoothing <τ>', 'of smoothed-accuracy and composite, in units of the logits (default: 0.25)', smoothing);
}

/** What the options ask for. @throws RadinError where they do not fit together, or need weights that stage 1 alone lacks */
export function estimateOptions(
  { estimate, temperature, smoothing }: EstimateOptions,
  metric: Metric,
  strategy: 'adaptive' | 'radin',
): SoupEstimateChoice {
  const name = estimate ?? (strategy === 'adaptive' ? 'composite' : 'metric');
  if (name === 'composite' && strategy === 'radin') {
    throw new RadinError(
      'CONFIG',
      `Expected one of ${ESTIMATE_NAMES.join(', ')} with --strategy radin but found composite`,
    );
  }
  const choice = { name, temperature, ...(smoothing !== undefined && { smoothing }) };
  const base = baseOf(choice, metric);
  if (smoothing !== undefined && base.smoothing === undefined) {
    throw new RadinError('CONFIG', `Expected --estimate smoothed-accuracy with --smoothing but found ${base.name}`);
  }
  checkEstimate(base, metric);
  return choice;
}

/** What a report says of it. */
export function estimateFacts(choice: SoupEstimateChoice, metric: Metric): EstimateFacts {
  const { temperature = 'none', smoothing } = baseOf(choice, metric);
  return { name: choice.name, temperature, ...(smoothing !== undefined && { smoothing }) };
}
