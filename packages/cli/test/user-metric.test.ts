import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Metric, type Predictions, RadinError } from '@radin/core';
import { describe, expect, it } from 'vitest';
import { chooseMetric } from '../src/pool/metric-choice.js';
import { linearPool } from './pools.js';
import { radinJson, runRadin } from './run-radin.js';
import { newFolder } from './scratch.js';

const folder = newFolder();
let files = 0;

/** The metric of a module with that text, as `metric: ./name.mjs` in a file of its folder asks for it. */
function load(text: string): Promise<Metric> {
  const name = `metric-${files++}.mjs`;
  writeFileSync(join(folder, name), text);
  return chooseMetric({ text: name, folder, key: '"metric"' }, 'multi-class');
}

function define(rest: string): string {
  return `export default { name: 'own', higherIsBetter: true, ${rest} };`;
}

const predictions: Predictions = {
  logits: Float32Array.of(1, 2, 4, 3),
  samples: 2,
  classes: 2,
  truth: { labels: Int32Array.of(1, 0), groups: Int32Array.of(5, 6) },
  predict: () => Promise.reject(new Error('of no use to a module')),
};

async function scoreBy({ measure }: Metric): Promise<number> {
  if (measure.kind !== 'predictions') throw new RangeError('Expected a metric of predictions');
  return measure.of(predictions);
}

/** The error of one line that a metric is refused with. */
async function refusalOf(text: string): Promise<string> {
  try {
    await scoreBy(await load(text));
  } catch (error) {
    if (error instanceof RadinError && !error.message.includes('\n')) return error.message;
    throw error;
  }
  throw new Error('Expected a refusal');
}

describe('a module', () => {
  it('is given predictions, labels and groups, and where less is better its score is negated', async () => {
    const all = 'logits[2] + 10 * samples + 100 * classes + 1000 * labels[0] + 10000 * groups[1]';
    const score = `score: ({ logits, samples, classes, labels, groups }) => ${all}`;
    expect(await scoreBy(await load(define(score)))).toBe(61_224);
    const less = await load(`export default { name: 'own', higherIsBetter: false, unit: 'm', ${score} };`);
    expect(await scoreBy(less)).toBe(-61_224);
    expect(less).toMatchObject({ name: 'own', unit: 'm', negated: true });
  });

  it('is known by its text, and nothing is remembered of one that imports others', async () => {
    const [a, b] = [await load(define('score: () => 1')), await load(define('score: () => 2'))];
    expect(a.source).not.toBe(b.source);
    expect(a.remembered).toBe(true);
    const imports = `import { sep } from 'node:path';\n${define('score: () => sep.length')}`;
    expect((await load(imports)).remembered).toBe(false);
  });

  it.each<[string, string, RegExp]>([
    ['without a default export', 'export const a = 1;', /default export but found none in .*\.mjs$/],
    ['that is no metric', 'export default 3;', /\{ name, higherIsBetter, unit\?, score \} .*"?default export/],
    ['without a score', define(''), /"score"\) in/],
    ['with another key', define('score: () => 1, colour: 3'), /colour/],
    [
      'with the name of another metric',
      "export default { name: 'accuracy', higherIsBetter: true, score: () => 1 };",
      /name of your own/,
    ],
    ['with an error in it', 'export default {', /ES module that loads but found: .* in .*\.mjs$/],
    ['that throws', define("score: () => { throw new Error('no\\nluck') }"), /own to score but found: no luck in/],
    ['that throws what has no text', define('score: () => { throw Object.create(null); }'), /found: an error in/],
    ['whose name throws', 'export default { get name() { throw new Error(`no`); } };', /plain object .* found: no in/],
    ['with control characters in its unit', define("unit: 'a\\nb', score: () => 1"), /without control characters/],
    ['that is too long', '/'.repeat(2 ** 20 + 1), /at most 1048576 bytes but found 1048577/],
    [
      'that gives a text',
      define("score: () => '1'"),
      /finite number as the score of own but found a value of type string/,
    ],
    ['that gives a promise', define('score: async () => 1'), /finite number .* type object/],
    ['that gives NaN', define('score: () => 0 / 0'), /finite number .* found NaN/],
    ['that gives a fraction of 2', define("unit: 'fraction', score: () => 2"), /fraction from 0 to 1 .* found 2/],
  ])('%s is refused in one line', async (_, text, message) => {
    expect(await refusalOf(text)).toMatch(message);
  });

  it('that is not there is refused with its path', async () => {
    const gone = chooseMetric({ text: './gone.mjs', folder, key: '--metric' }, 'regression');
    await expect(gone).rejects.toThrow(/Expected .*gone\.mjs/);
    symlinkSync('/dev/zero', join(folder, 'zero.mjs'));
    const endless = chooseMetric({ text: './zero.mjs', folder, key: '--metric' }, 'regression');
    await expect(endless).rejects.toThrow(/regular file but found .*zero\.mjs/);
  });
});

describe('a module ends the program in one line with its path, and nothing is written,', () => {
  const score = "export default { name: 'own', higherIsBetter: true, score: ({ logits }) => logits[0] };";
  it.each<[string, string, RegExp]>([
    [
      'where it awaits what never comes',
      `await new Promise(() => {});\n${score}`,
      /awaits what never comes in .*own\.mjs$/,
    ],
    [
      'where it throws later',
      `setTimeout(() => { throw new Error('too\\nlate'); }, 1);\n${score}`,
      /too late, in .*own\.mjs:1$/,
    ],
    [
      'where its score leaves a promise that rejects',
      score.replace('=> logits[0]', "=> { Promise.reject(new Error('unheard')); return logits[0]; }"),
      /unheard, in .*own\.mjs:1$/,
    ],
    ['where it rejects with what is no error', `Promise.reject(null);\n${score}`, /found: .*null.*, in its module$/],
  ])('%s', async (_, text, message) => {
    const { folder: pool } = await linearPool({ models: 3 });
    writeFileSync(join(pool, 'own.mjs'), text);
    const flags = ['--metric', './own.mjs', '--budget', '2', '--out', 'out', '--quiet'];
    const { code, stdout, stderr } = await runRadin(['search', '.', ...flags], pool);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^radin: error: Expected [^\n]*\n$/);
    expect(stderr.trim()).toMatch(message);
    expect(existsSync(join(pool, 'out', 'soup.safetensors'))).toBe(false);
  });
});

describe('Ctrl-C, while a module', () => {
  /** Presses it each time that the module has written to the file `begun`, at most so often. */
  async function pressed(text: string, times: number) {
    const { folder: pool } = await linearPool({ models: 3 });
    const begun = join(pool, 'begun');
    writeFileSync(join(pool, 'own.mjs'), `import { appendFileSync } from 'node:fs';\n${text}`);
    writeFileSync(begun, '');
    let ended: NodeJS.Signals | null = null;
    const outcome = await runRadin(
      ['search', '.', '--metric', './own.mjs', '--budget', '2', '--out', 'out', '--quiet'],
      pool,
      async (child) => {
        let running = true;
        child.once('exit', (_, signal) => {
          ended = signal;
          running = false;
        });
        for (let press = 0; press < times && running; press++) {
          while (running && readFileSync(begun).length <= press) await sleep(20);
          child.kill('SIGINT');
        }
      },
    );
    return { ...outcome, ended, written: existsSync(join(pool, 'out', 'soup.safetensors')) };
  }

  it('loads without end, ends the program', async () => {
    expect(await pressed("appendFileSync('begun', '.'); for (;;);", 1)).toMatchObject({
      ended: 'SIGINT',
      written: false,
    });
  });

  it('scores without end, ends the program with the command that goes on', async () => {
    const endless = define("score: () => { appendFileSync('begun', '.'); for (;;); }");
    const { code, stdout, stderr, written } = await pressed(endless, 1);
    expect({ code, stdout, written }).toEqual({ code: 130, stdout: '', written: false });
    expect(stderr).toBe(
      'radin: interrupted before there was a result; none was written\n' +
        'radin: to go on: radin search . --metric ./own.mjs --budget 2 --out out --quiet\n',
    );
  });

  // On a machine that is busy with other things, 1.2 s may be too little.
  it('scores, lets a search write what it has, as at any other time', { retry: 2 }, async () => {
    const slow = define(
      "score: () => { appendFileSync('begun', '.'); const end = Date.now() + 50; while (Date.now() < end); return 1; }",
    );
    const { code, stderr, written } = await pressed(slow, 1);
    expect([code, written]).toEqual([130, true]);
    expect(stderr).toMatch(/^radin: interrupted/);
  });
});

it('a name that no task has is refused with those of the task', async () => {
  const choice = { text: 'accuracy', folder, key: '"metric"', at: 'radin.yaml:3:1' };
  await expect(chooseMetric(choice, 'regression')).rejects.toThrow(
    /"metric" to be mse, mae, r2 or a module such as .\/metric.mjs but found "accuracy" at radin.yaml:3:1, for the task regression/,
  );
  expect((await chooseMetric(undefined, 'regression')).name).toBe('mse');
});

it('a search by a module in radin.yaml writes how its scores are read', async () => {
  const { folder: pool } = await linearPool({ models: 4 });
  writeFileSync(
    join(pool, 'least.mjs'),
    "export default { name: 'errors', higherIsBetter: false, unit: 'samples', score: ({ logits, samples, classes, labels }) => {\n" +
      'let wrong = 0;\n' +
      'for (let m = 0; m < samples; m++) { const row = logits.subarray(m * classes, (m + 1) * classes);\n' +
      'if (row.indexOf(Math.max(...row)) !== labels[m]) wrong++; }\nreturn wrong; } };',
  );
  writeFileSync(
    join(pool, 'radin.yaml'),
    'graph: model.onnx\nmodels: models/*.safetensors\nmetric: ./least.mjs\nvalidation: { inputs: val_inputs.npy, labels: val_labels.npy }\n',
  );
  const report = await radinJson<Record<string, unknown> & { best: { valScore: number } }>(
    ['search', '.', '--out', 'out', '--budget', '3'],
    pool,
  );
  expect(report).toMatchObject({ metric: 'errors', scoring: { unit: 'samples', negated: true }, racing: 'off' });
  expect(Number.isInteger(report.best.valScore) && report.best.valScore <= 0).toBe(true);
});
