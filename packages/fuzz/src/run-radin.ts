import { Interruption } from '../../cli/dist/run/interruption.js';
import { run } from '../../cli/dist/run.js';

/** Runs the program in this process. @returns what it wrote to both outputs */
export async function runRadin(args: readonly string[]): Promise<{ code: number; output: string }> {
  let output = '';
  const restore = ([process.stdout, process.stderr] as const).map((stream) => {
    const { write } = stream;
    stream.write = (text: string | Uint8Array) => {
      output += text;
      return true;
    };
    return () => {
      stream.write = write;
    };
  });
  try {
    return { code: await run(args, new Interruption()), output };
  } finally {
    for (const back of restore) back();
  }
}
