import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { withRunOptions } from '../options/options.js';
import type { CommandContext } from '../run/run-context.js';
import { type CompareCommandOptions, runCompare, withCompareOptions } from './compare.js';

/** The example pool that ships with the project. */
const EXAMPLE = fileURLToPath(new URL('../../../../examples/digits', import.meta.url));

export function addDemo(command: Command, context: CommandContext): void {
  withRunOptions(withCompareOptions(command))
    .addHelpText('after', '\nExample:\n  radin demo')
    .action((options: CompareCommandOptions) => runCompare(EXAMPLE, options, context));
}
