import { Command } from 'commander';
import { addAverage } from './commands/average.js';
import { addBench } from './commands/bench.js';
import { addCache } from './commands/cache.js';
import { addCompare } from './commands/compare.js';
import { addDemo } from './commands/demo.js';
import { addDoctor } from './commands/doctor.js';
import { addEvaluate } from './commands/evaluate.js';
import { addInspect } from './commands/inspect.js';
import { addReport } from './commands/report.js';
import { addScore } from './commands/score.js';
import { addSearch } from './commands/search.js';
import { addVerify } from './commands/verify.js';
import type { CommandContext } from './run/run-context.js';
import { VERSION } from './versions.js';

/** The whole command line. Parsing throws commander's errors; commands throw the library's. */
export function buildProgram(context: CommandContext): Command {
  const program = new Command('radin')
    .description('Find the best model soup of a pool of checkpoints within a budget of evaluations.')
    .version(VERSION, '-V, --version')
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      '\nExample:\n  radin demo\n  radin search examples/digits --budget 25\n\n`radin COMMAND --help` tells more.',
    );
  for (const add of [
    addSearch,
    addCompare,
    addBench,
    addScore,
    addAverage,
    addEvaluate,
    addInspect,
    addReport,
    addVerify,
    addCache,
    addDoctor,
    addDemo,
  ])
    add(program, context);
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    // Errors are thrown and printed in one place; only help and version are printed by commander.
    command.exitOverride().configureOutput({ writeErr: () => {} });
  }
  return program;
}
