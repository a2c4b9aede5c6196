import { quote, RadinError } from '@radin/core';
import type { LoadedConfig } from './config.js';

/** Keys that only some pools need, unless flags stand in their place. @throws RadinError where one is missing */
export function checkKeys(
  { config, locate }: LoadedConfig,
  flags: { readonly [flag in 'graph' | 'models' | 'valInputs' | 'testInputs']?: unknown },
): void {
  const need = (value: unknown, ...keys: string[]) => {
    if (value !== undefined) return;
    throw new RadinError('CONFIG', `Expected the key ${quote(keys.join('.'))} but found none at ${locate(...keys)}`);
  };
  const { models, validation, test, evaluator } = config;
  const hasCommand = evaluator !== undefined && flags.graph === undefined;
  need(flags.models ?? models, 'models');
  if (hasCommand) return;
  need(flags.valInputs ?? validation.inputs, 'validation', 'inputs');
  if (test !== undefined) need(flags.testInputs ?? test.inputs, 'test', 'inputs');
}
