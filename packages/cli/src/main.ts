import { endProcess } from '@radin/core';
import { lateFailure } from './late-failure.js';
import { Interruption } from './run/interruption.js';
import { BUG, INPUT, reportInterruption, run } from './run.js';

const args = process.argv.slice(2);
const interruption = new Interruption();
interruption.listen(() => endProcess(reportInterruption(args, interruption)));
// A reader that has seen enough, such as `head`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(
    `radin: error: Expected to write to standard output but found: ${error.code ?? error.message}\n`,
  );
  process.exit(INPUT);
});
process.on('uncaughtException', (error: unknown) => {
  const failure = lateFailure(error);
  process.stderr.write(
    failure === undefined
      ? `radin: bug: ${error instanceof Error ? error.stack : String(error)}\n`
      : `radin: error: ${failure}\n`,
  );
  process.exit(failure === undefined ? BUG : INPUT);
});
process.exitCode = await run(args, interruption);
