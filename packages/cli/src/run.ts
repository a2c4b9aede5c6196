import { escapeControls, RadinError } from '@radin/core';
import { CommanderError } from 'commander';
import type { Interruption } from './interruption.js';
import { buildProgram } from './program.js';

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

/**
 * Runs one command line to its end and prints what it has to say, errors too.
 * @param args what stands behind `radin`
 * @returns the exit code
 */
export async function run(args: readonly string[], interruption: Interruption): Promise<number> {
  const program = buildProgram({
    signal: interruption.signal,
    interruption,
    // Model names come from files: they must not colour or move what a terminal shows.
    print: (text) => void process.stdout.write(`${text.split('\n').map(escapeControls).join('\n')}\n`),
    printJson: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    if (interruption.outcome === undefined) return 0;
    process.stderr.write(`radin: ${escapeControls(interruption.outcome)}\n`);
    return INTERRUPTED;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const debug = args.includes('--debug');
    if (interruption.signal.aborted) {
      process.stderr.write('radin: interrupted before there was a result; none was written\n');
      return INTERRUPTED;
    }
    if (error instanceof CommanderError && error.code === 'commander.help') {
      process.stderr.write(program.helpInformation());
      return INPUT;
    }
    if (error instanceof RadinError || error instanceof CommanderError) {
      const message = error instanceof RadinError ? error.message : describeUsage(error);
      process.stderr.write(`radin: error: ${message}\n`);
      if (debug) process.stderr.write(`${error.stack}\n`);
      return INPUT;
    }
    process.stderr.write(`radin: bug: ${error instanceof Error ? error.stack : String(error)}\n`);
    return BUG;
  }
}
