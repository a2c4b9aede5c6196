import { cpus } from 'node:os';
import { benchmarkKernels } from './kernels.js';

const USAGE = 'usage: npm run bench -- kernels [--json]';

const [experiment, ...flags] = process.argv.slice(2);
if (experiment !== 'kernels' || flags.some((flag) => flag !== '--json')) {
  process.stderr.write(`${USAGE}\n`);
  process.exitCode = 2;
} else {
  const environment = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
  const results = await benchmarkKernels();
  if (flags.includes('--json')) {
    process.stdout.write(`${JSON.stringify({ environment, results })}\n`);
  } else {
    process.stdout.write(`${environment.cpu}, ${environment.cores} cores, Node ${environment.node}\n`);
    for (const { kernel, sizes, timings } of results) {
      process.stdout.write(`\n${kernel}: ${sizes}\n`);
      const reference = timings[0]?.median ?? Number.NaN;
      for (const { name, median, fastest, slowest } of timings) {
        const [middle, least, most] = [median, fastest, slowest].map((seconds) => (1000 * seconds).toFixed(1));
        const ratio = (median / reference).toFixed(2);
        process.stdout.write(`  ${name.padEnd(22)} ${middle} ms (${least} to ${most})   ×${ratio}\n`);
      }
    }
  }
}
