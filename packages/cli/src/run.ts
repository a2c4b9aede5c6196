import { escapeControls, machineError, RadinError } from '@radin/core/errors';
import { CommanderError } from 'commander';
import { CallInterrupted } from './pool/interruptible-call.js';
import { buildProgram } from './program.js';
import type { Interruption } from './run/interruption.js';
import { shellWord } from './terminal/shell-word.js';

/** Exit codes, as documented: 0 done, 1 a bug, 2 the user's input, 130 interrupted. */
export const BUG = 1;
export const INPUT = 2;
const INTERRUPTED = 130;

/** `error: option '--budget <B>' argument '0' is invalid. an integer ≥ 1` as an error of our own form. */
function describeUsage(error: CommanderError): string {
  const message = error.message
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .trim();
  const invalid = /^(?:option|command-argument value) '?(--[\w-]+)?.*? ?argument '(.*)' is invalid\. (.*)$/s.exec(
    message,
  );
  if (invalid === null) return message;
  const expected = invalid[3]?.replace(/^Allowed choices are (.*)\.$/, 'one of $1');
  return `Expected ${invalid[1]} to be ${expected} but found "${invalid[2]}"`;
}

/** Says on standard error what became of an interrupted command, and how to go on with it. @returns the exit code */
export function reportInterruption(args: readonly string[], { outcome, resumable }: Interruption): number {
  const line = outcome ?? 'interrupted before there was a result; none was written';
  process.stderr.write(`radin: ${escapeControls(line)}\n`);
  if (resumable) {
    const again = args.filter((argument) => argument !== '--restart').map(shellWord);
    process.stderr.write(`radin: to go on: ${escapeControls(['radin', ...again].join(' '))}\n`);
  }
  return INTERRUPTED;
}

/**
 * Runs one command line to its end and prints what it has to say, errors too.
 * @param args what stands behind `radin`
 * @returns the exit code
 */
export async function run(args: readonly string[], interruption: Interruption): Promise<number> {
  const program = await buildProgram(args, {
    signal: interruption.signal,
    interruption,
    // Model names come from files: they must not colour or move what a terminal shows.
    print: (text) => void process.stdout.write(`${text.split('\n').map(escapeControls).join('\n')}\n`),
    printJson: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return interruption.outcome === undefined ? 0 : reportInterruption(args, interruption);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const debug = args.includes('--debug');
    if (interruption.signal.aborted || error instanceof CallInterrupted) return reportInterruption(args, interruption);
    if (error instanceof CommanderError && error.code === 'commander.help') {
      process.stderr.write(program.helpInformation());
      return INPUT;
    }
    const known = error instanceof RadinError || error instanceof CommanderError ? error : machineError(error);
    if (known !== undefined) {
      const message = known instanceof RadinError ? known.message : describeUsage(known);
      process.stderr.write(`radin: error: ${message}\n`);
      if (debug) process.stderr.write(`${known.stack}\n`);
      return INPUT;
    }
    process.stderr.write(`radin: bug: ${error instanceof Error ? error.stack : String(error)}\n`);
    return BUG;
  }
}
