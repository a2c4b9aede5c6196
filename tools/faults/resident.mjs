/** The process in which `Resident` runs command lines. */
import { readdirSync } from 'node:fs';

const { run } = await import('../../packages/cli/dist/run.js');
const { Interruption } = await import('../../packages/cli/dist/run/interruption.js');

process.on('message', async ({ args, cwd }) => {
  process.chdir(cwd);
  const written = { stdout: '', stderr: '' };
  const restore = ['stdout', 'stderr'].map((name) => {
    const { write } = process[name];
    process[name].write = (text) => {
      written[name] += text;
      return true;
    };
    return () => {
      process[name].write = write;
    };
  });
  const code = await run(args, new Interruption());
  // What is left open is closed with a warning when it is collected, and what nobody waits for has failed by then.
  globalThis.gc();
  await new Promise((resolve) => setTimeout(resolve, 5));
  for (const undo of restore) undo();
  process.send({ code, ...written, descriptors: readdirSync('/proc/self/fd').length });
});
