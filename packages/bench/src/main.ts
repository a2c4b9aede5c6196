import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readResult, writeTables } from './document.js';
import { machineSlug } from './environment.js';
import { benchmarkKernels } from './kernels.js';
import { type KernelsOptions, parseOptions, type TableOptions, USAGE, UsageError } from './options.js';
import { environmentText, LEGEND, markdown, resultText } from './table.js';

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url));

async function kernels(options: KernelsOptions): Promise<void> {
  // An exit, unlike a signal that nobody handles, removes the gigabytes of temporary files.
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.once(signal, () => process.exit(code));
  const result = await benchmarkKernels(options, {
    onNotice: (text) => process.stderr.write(`note: ${text}\n`),
    onEnvironment: (environment) => process.stdout.write(`${environmentText(environment)}\n${LEGEND}\n`),
    onResult: (found) => process.stdout.write(`\n${resultText(found)}\n`),
  });
  const json = `${JSON.stringify(result, null, 1)}\n`;
  if (options.json !== undefined) writeFileSync(options.json, json);
  if (options.save) {
    mkdirSync(RESULTS, { recursive: true });
    writeFileSync(`${RESULTS}kernels-${machineSlug(result.environment)}.json`, json);
  }
}

function table({ file, into }: TableOptions): void {
  const result = readResult(file);
  if (into === undefined) process.stdout.write(`${markdown(result)}\n`);
  else writeTables(into, result);
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.command === 'help') process.stdout.write(USAGE);
  else if (options.command === 'kernels') await kernels(options);
  else table(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`bench: error: ${error.message}; --help lists the options\n`);
  process.exitCode = 2;
}
