import { Interruption } from './interruption.js';
import { INPUT, run } from './run.js';

const interruption = new Interruption();
interruption.listen();
// A reader that has seen enough, such as `head`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(
    `radin: error: Expected to write to standard output but found: ${error.code ?? error.message}\n`,
  );
  process.exit(INPUT);
});
process.exitCode = await run(process.argv.slice(2), interruption);
