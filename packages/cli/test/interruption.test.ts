import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeConfig } from './pools.js';
import { DIGITS, runRadin } from './run-radin.js';
import { listing, newFolder } from './scratch.js';

/** Enough work for minutes. */
const LONG = ['--budget', '100000', '--candidates', '20000'];

/** A `radin.yaml` for the example pool and one model more. */
function writeDigitsAnd(folder: string, model: string): void {
  writeConfig(folder, {
    graph: join(DIGITS, 'model.onnx'),
    models: `[ '${join(DIGITS, 'models/*.safetensors')}', ${model} ]`,
    validation: `{ inputs: ${join(DIGITS, 'val_inputs.npy')}, labels: ${join(DIGITS, 'val_labels.npy')} }`,
  });
}

const FIRST = join(DIGITS, 'models', readdirSync(join(DIGITS, 'models')).sort()[0] as string);

describe('a search that is interrupted', () => {
  const folder = newFolder();
  beforeAll(() => {
    // The copy gives a notice once all logits are cached: a moment at which the search is known to run.
    copyFileSync(FIRST, join(folder, 'copy.safetensors'));
    writeDigitsAnd(folder, 'copy.safetensors');
  });

  function interrupted(delay: number, args: readonly string[]) {
    return runRadin(args, folder, (child) => {
      child.stderr?.once('data', () => setTimeout(() => child.kill('SIGINT'), delay));
    });
  }

  it.each([
    ['as stage 1 begins', 0],
    ['while soups are evaluated', 2000],
  ])('%s exits with 130 and leaves no output', async (_, delay) => {
    const before = listing(folder);
    const { code, stdout, stderr } = await interrupted(delay, ['search', '.', ...LONG, '--out', 'out', '--json']);
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toMatch(/^radin: note: .*copy.*\n(radin: note: .*basin.*\n)?radin: interrupted.*\n$/);
    expect(listing(folder)).toEqual(before);
  });

  it('leaves the results of an earlier run as they were', async () => {
    const { code } = await runRadin(['search', '.', '--budget', '1', '--out', 'earlier', '--quiet'], folder);
    expect(code).toBe(0);
    const read = () => ['soup.safetensors', 'result.json'].map((name) => readFileSync(join(folder, 'earlier', name)));
    const before = read();
    writeFileSync(join(folder, 'earlier', 'mine.txt'), 'a file of the user');
    expect((await interrupted(500, ['search', '.', ...LONG, '--out', 'earlier'])).code).toBe(130);
    expect(read()).toEqual(before);
    expect(listing(join(folder, 'earlier'))).toEqual(['mine.txt', 'result.json', 'soup.safetensors']);
  });

  it('may be part of a comparison', async () => {
    const before = listing(folder);
    const args = ['compare', '.', '--budgets', '100000', '--candidates', '20000', '--out', 'out'];
    const { code, stdout } = await interrupted(500, args);
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(listing(folder)).toEqual(before);
  });
});

it('a model that is refused while threads are inside an evaluation is named, and the program ends as it should', async () => {
  const folder = newFolder();
  const bytes = readFileSync(FIRST);
  bytes.writeFloatLE(Number.NaN, bytes.length - 4);
  writeFileSync(join(folder, 'broken.safetensors'), bytes);
  writeDigitsAnd(folder, 'broken.safetensors');
  // A thread that is ended inside a batch aborts the process in most runs, not in all.
  for (let run = 0; run < 3; run++) {
    const { code, stdout, stderr } = await runRadin(['search', '.', '--out', 'out', '--json'], folder);
    expect(stderr).toMatch(/^radin: error: .*NaN in broken\.safetensors, tensor .*\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  }
  expect(listing(folder)).toEqual(['broken.safetensors', 'radin.yaml']);
});
