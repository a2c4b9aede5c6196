import { Command } from 'commander';
import type { CommandContext } from './run/run-context.js';
import { VERSION } from './version.js';

/** Says what a command takes and does. */
type AddCommand = (command: Command, context: CommandContext) => void;

/** Name, what the help of all commands says of it, and the rest, which is loaded for the command that runs: with what it uses it takes far longer than to say all this. */
const COMMANDS: readonly (readonly [name: string, description: string, load: () => Promise<AddCommand>])[] = [
  [
    'search',
    'find the best soup within a budget of full evaluations',
    async () => (await import('./commands/search.js')).addSearch,
  ],
  [
    'compare',
    'compare RADIN with greedy and the other recipes on a pool, like Table 1 of the paper',
    async () => (await import('./commands/compare.js')).addCompare,
  ],
  [
    'bench',
    'the paper’s tables and figures for a pool: every method, budget and seed, and what each costs',
    async () => (await import('./commands/bench.js')).addBench,
  ],
  [
    'score',
    'rank mixtures by the score of their averaged logits, without any model (RADIN, Eq. 3)',
    async () => (await import('./commands/score.js')).addScore,
  ],
  ['average', 'write the soup of the models named', async () => (await import('./commands/average.js')).addAverage],
  [
    'evaluate',
    'one full evaluation of a model or a soup',
    async () => (await import('./commands/evaluate.js')).addEvaluate,
  ],
  [
    'inspect',
    'what is in a pool or a file: tensors, sizes, duplicates, models that do not belong',
    async () => (await import('./commands/inspect.js')).addInspect,
  ],
  [
    'report',
    'make the HTML report of a finished run again, from its result.json, comparison.json and paper.json',
    async () => (await import('./commands/report.js')).addReport,
  ],
  [
    'verify',
    'make a soup again from its ingredients, as its lock or its metadata say, and compare every bit',
    async () => (await import('./commands/verify.js')).addVerify,
  ],
  [
    'cache',
    'the results that earlier runs have kept: ls, verify, prune',
    async () => (await import('./commands/cache.js')).addCache,
  ],
  [
    'doctor',
    'which backends there are on this machine, and why others are not',
    async () => (await import('./commands/doctor.js')).addDoctor,
  ],
  [
    'demo',
    'compare on the example pool that ships with the project',
    async () => (await import('./commands/demo.js')).addDemo,
  ],
];

/**
 * The command line, complete for the commands that the arguments name. Parsing throws commander's errors; commands throw the library's.
 * @param args what stands behind `radin`
 */
export async function buildProgram(args: readonly string[], context: CommandContext): Promise<Command> {
  const program = new Command('radin')
    .description('Find the best model soup of a pool of checkpoints within a budget of evaluations.')
    .version(VERSION, '-V, --version')
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      '\nExample:\n  radin demo\n  radin search examples/digits --budget 25\n\n`radin COMMAND --help` tells more.',
    );
  for (const [name, description, load] of COMMANDS) {
    const command = program.command(name).description(description);
    // A word that only looks like a command costs its loading and nothing else.
    if (args.includes(name)) (await load())(command, context);
  }
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    // Errors are thrown and printed in one place; only help and version are printed by commander.
    command.exitOverride().configureOutput({ writeErr: () => {} });
  }
  return program;
}
