import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  CLASSES,
  type LinearModel,
  type LinearPool,
  layers,
  modelPath,
  writeConfig,
  writeFloats,
  writeLabels,
  writeModel,
} from './pools.js';
import { refusal } from './refusal.js';

describe.concurrent('an option is refused', () => {
  it.each<[string, string[], RegExp]>([
    ['--budget 0', ['--budget', '0'], /--budget .*integer from 1 .*found "0"/],
    ['--budget x', ['--budget', 'x'], /--budget .*found "x"/],
    ['--budget 2.5', ['--budget', '2.5'], /--budget .*found "2\.5"/],
    ['--budget without a number', ['--budget'], /--budget/],
    ['--candidates 0', ['--candidates', '0'], /--candidates .*found "0"/],
    ['--threads 0', ['--threads', '0'], /--threads .*found "0"/],
    ['--batch -1', ['--batch=-1'], /--batch .*found "-1"/],
    ['--seed -1', ['--seed=-1'], /--seed .*found "-1"/],
    ['--lambda -1', ['--lambda=-1'], /--lambda .*≥ 0 but found "-1"/],
    ['--lambda NaN', ['--lambda', 'NaN'], /--lambda .*found "NaN"/],
    ['--holdout 1', ['--holdout', '1'], /--holdout .*above 0 and below 1 but found "1"/],
    ['--holdout of less than a sample', ['--holdout', '1e-9'], /samples on both sides but found 0 of/],
    ['--racing nope', ['--racing', 'nope'], /--racing .*exact, off, statistical but found "nope"/],
    ['--racing-error 0', ['--racing-error', '0'], /--racing-error .*above 0 and below 1 but found "0"/],
    [
      '--racing statistical by cross-entropy',
      ['--strategy', 'radin', '--racing', 'statistical', '--metric', 'cross-entropy'],
      /accuracy or top-K for statistical racing but found cross-entropy/,
    ],
    ['--sampler nope', ['--sampler', 'nope'], /sampler .*monte-carlo, exhaustive.* found "nope"/],
    ['a list with an unknown sampler', ['--sampler', 'forward,nope'], /sampler .*forward, .* found "nope"/],
    ['a list with an empty name', ['--sampler', 'forward,'], /sampler .*forward, .* found ""/],
    ['--backend nope', ['--backend', 'nope'], /[Bb]ackend.*"nope".*cpu.*reference/],
    ['--metric top-99', ['--metric', 'top-99'], /4 classes but found top-99/],
    ['--metric f1', ['--metric', 'f1'], /--metric to be accuracy, top-K, cross-entropy, macro-f1, .* but found "f1"/],
    ['--output nope', ['--output', 'nope'], /output "nope" but found "logits" in model\.onnx/],
    ['--models that match nothing', ['--models', 'weights/*'], /"weights\/\*" but found none .*--models/],
    ['--val-labels that are not there', ['--val-labels', 'gone.npy'], /read gone\.npy .*no such file/],
    ['--bugdet 3', ['--bugdet', '3'], /'--bugdet'.*--budget/],
    ['--wrong', ['--wrong'], /'--wrong'/],
    ['a second pool', ['other'], /too many arguments/],
  ])('%s', async (_, options, message) => {
    expect(await refusal(['search', '.', '--out', 'out', '--json', ...options])).toMatch(message);
  });

  it('--out that is the folder of the models, where the soup would join the pool', async () => {
    expect(await refusal(['search', '.', '--out', './models/'])).toMatch(/--out .*another folder .*models/);
  });

  it('--out that is a file, which stays as it was', async () => {
    expect(await refusal(['search', '.', '--out', 'model.onnx'])).toMatch(/folder .* but found a file: model\.onnx/);
    expect(await refusal(['compare', '.', '--out', 'model.onnx'])).toMatch(/folder .* but found a file/);
  });

  it.each<[string, string[], number]>([
    ['more than 24 models', ['search'], 25],
    ['more than 16 models by cross-entropy', ['search', '--metric', 'cross-entropy'], 17],
    ['more than 16 models to compare', ['compare'], 17],
  ])('--sampler exhaustive for %s', async (_, [command = '', ...options], models) => {
    const args = [command, '.', '--sampler', 'exhaustive', '--out', 'out', ...options];
    const expected = new RegExp(`at most 24 models .*found ${models}.*"monte-carlo"`);
    expect(await refusal(args, () => {}, models)).toMatch(expected);
  });

  it.each([1, 2])('--no-include-uniform for %i models, which leaves no candidate', async (models) => {
    const args = ['search', '.', '--no-include-uniform', '--out', 'out', '--quiet'];
    expect(await refusal(args, () => {}, models)).toMatch(/at least one candidate but found none/);
  });

  it.each(['1,,3', '0', '1;3', ''])('--budgets "%s"', async (budgets) => {
    expect(await refusal(['compare', '.', '--budgets', budgets, '--out', 'out'])).toMatch(/--budgets/);
  });
});

describe.concurrent('a pool is refused', () => {
  it.each<[string, string[], RegExp]>([
    ['that is not there', ['nowhere'], /found nothing at nowhere$/m],
    ['that is a folder without radin.yaml', ['models'], /radin\.yaml in the folder models but found none$/m],
    ['that flags name in part', ['--models', 'models/*', '--graph', 'model.onnx'], /--val-inputs/],
  ])('%s', async (_, args, message) => {
    expect(await refusal(['search', ...args, '--out', 'out'])).toMatch(message);
  });

  it('that is not named, nor are flags, where the current folder is none', async () => {
    expect(await refusal(['search', '--out', 'out'], ({ folder }) => rmSync(join(folder, 'radin.yaml')))).toMatch(
      /at least one model .*--models/,
    );
  });

  it('with one half of a test split', async () => {
    const args = ['search', '.', '--test-inputs', 'val_inputs.npy', '--out', 'out'];
    expect(await refusal(args, ({ folder }) => writeConfig(folder))).toMatch(/both --test-inputs and --test-labels/);
  });

  const valid = '{ inputs: val_inputs.npy, labels: val_labels.npy }';
  it.each<[string, Record<string, string | undefined>, RegExp]>([
    ['an unknown key', { modles: 'x' }, /"modles" at radin\.yaml:4:1; did you mean "models"\?$/m],
    ['an unknown key that is like no other', { colour: 'x' }, /"colour" at radin\.yaml:4:1$/m],
    ['an unknown key of a split', { test: '{ inputs: a.npy, lables: b.npy }' }, /radin\.yaml:4:/],
    ['no graph', { graph: undefined }, /a graph \(graph: in radin\.yaml.* but found none$/m],
    ['no models', { models: undefined }, /"models".* at radin\.yaml:1:1$/m],
    ['no validation split', { validation: undefined }, /"validation".* at radin\.yaml:1:1$/m],
    ['no labels', { validation: '{ inputs: val_inputs.npy }' }, /"validation\.labels".* at radin\.yaml:3:1$/m],
    ['a number as graph', { graph: '3' }, /"graph".* at radin\.yaml:1:1$/m],
    ['no model in its list', { models: '[]' }, /"models".* at radin\.yaml:2:1$/m],
    ['an unknown metric', { metric: 'f1' }, /"metric" to be accuracy, top-K, .* but found "f1" at radin\.yaml:4:1$/m],
    ['a key twice', { test: `${valid}\ngraph: other.onnx` }, /radin\.yaml:5:1$/m],
    ['an open bracket', { test: '{ inputs: a.npy' }, /YAML.*radin\.yaml:[45]:/],
  ])('whose radin.yaml has %s', async (_, entries, message) => {
    expect(await refusal(['search', '.', '--out', 'out'], ({ folder }) => writeConfig(folder, entries))).toMatch(
      message,
    );
  });

  it.each([
    ['nothing', ''],
    ['a text', 'a text'],
    ['a list', '- a\n- list\n'],
  ])('whose radin.yaml holds %s in place of keys', async (_, text) => {
    const spoil = ({ folder }: LinearPool) => writeFileSync(join(folder, 'radin.yaml'), text);
    expect(await refusal(['search', '.', '--out', 'out'], spoil)).toMatch(/the file .* at radin\.yaml:1:1$/m);
  });
});

describe.concurrent('a command is refused', () => {
  const average = (...args: string[]) => ['average', 'models/a.safetensors', 'models/b.safetensors', ...args];
  it.each<[string, string[], RegExp]>([
    ['an unknown one', ['serach', '.'], /unknown command 'serach' .*search/],
    ['average without --out', average(), /--out/],
    ['average of nothing', ['average', '--out', 'soup.safetensors'], /models/],
    [
      'average of a pattern without match',
      ['average', 'x*.safetensors', '--out', 's.safetensors'],
      /"x\*\.safetensors"/,
    ],
    ['average of one model twice', ['average', 'models/a.safetensors', 'models/*', '--out', 's'], /listed twice/],
    ['weights that do not sum to 1', average('--weights', '0.5,0.4', '--out', 's'), /sum to 1 .*0\.9.*--weights/],
    ['weights that are all 0', average('--weights', '0,0', '--out', 's'), /sum to 1 .*--weights/],
    ['more weights than models', average('--weights', '0.5,0.3,0.2', '--out', 's'), /--weights .*2 models but found 3/],
    ['a weight below 0', average('--weights', '1.5,-0.5', '--out', 's'), /--weights .*≥ 0/],
    ['a weight that is no number', average('--weights', '0.5,half', '--out', 's'), /--weights .*half/],
    ['average into a folder that is not there', average('--out', 'gone/s.safetensors'), /gone\/s\.safetensors/],
    ['average into a folder', average('--out', 'models'), /models/],
    ['average on an unknown backend', average('--out', 's', '--backend', 'gpu'), /"gpu"/],
    ['evaluate without a model', ['evaluate', '.'], /model/],
    ['evaluate of an unknown model', ['evaluate', '.', 'zz'], /found neither at zz$/m],
    [
      'evaluate of an unknown split',
      ['evaluate', '.', 'a', '--split', 'train'],
      /--split to be .*validation.*test.* found "train"$/m,
    ],
    [
      'evaluate into a folder that is not there',
      ['evaluate', '.', 'a', '--save-logits', 'gone/a.npy'],
      /folder gone .*ENOENT/,
    ],
    ['inspect of nothing', ['inspect', 'nothing'], /found: .* at nothing$/m],
    ['inspect of a broken file', ['inspect', 'models/broken.safetensors'], /models\/broken\.safetensors/],
    ['inspect without a path', ['inspect'], /path/],
    ['score without logits', ['score', '--labels', 'val_labels.npy'], /--logits/],
    ['score of too few labels', ['score', '--logits', 'l/a.npy', '--labels', 'short.npy'], /labels.* found 1\b/],
    [
      'score of labels that are no class',
      ['score', '--logits', 'l/a.npy', '--labels', 'high.npy'],
      /high\.npy, row 1$/m,
    ],
    ['score of logits of two shapes', ['score', '--logits', 'l/a.npy', 'l/wide.npy', '--labels', 'two.npy'], /wide/],
    [
      'score of NaN',
      ['score', '--logits', 'l/nan.npy', '--labels', 'two.npy'],
      /NaN from model "nan" for sample 1, class 2$/m,
    ],
    [
      'score of inputs',
      ['score', '--logits', 'two.npy', '--labels', 'two.npy'],
      /logits of shape .* \[2\] in two\.npy$/m,
    ],
    ['score of one name twice', ['score', '--logits', 'l/a.npy', 'm/a.npy', '--labels', 'two.npy'], /two called a$/m],
    ['score --top 0', ['score', '--logits', 'l/a.npy', '--labels', 'two.npy', '--top', '0'], /--top .*found "0"/],
  ])('%s', async (_, args, message) => {
    const spoil = async ({ folder }: LinearPool) => {
      for (const name of ['l', 'm']) mkdirSync(join(folder, name));
      const logits = Array.from({ length: 2 * CLASSES }, (_, at) => at % 3);
      for (const name of ['l/a', 'm/a']) await writeFloats(join(folder, `${name}.npy`), [2, CLASSES], logits);
      await writeFloats(join(folder, 'l/nan.npy'), [2, CLASSES], logits.with(6, Number.NaN));
      await writeFloats(join(folder, 'l/wide.npy'), [2, CLASSES + 1], [...logits, 0, 0]);
      await writeLabels(join(folder, 'two.npy'), [0, 1]);
      await writeLabels(join(folder, 'short.npy'), [0]);
      await writeLabels(join(folder, 'high.npy'), [0, CLASSES]);
      writeFileSync(join(folder, 'models/broken.safetensors'), 'broken');
    };
    expect(await refusal(args, spoil)).toMatch(message);
  });

  it('evaluate of a split that the pool does not have', async () => {
    const args = ['evaluate', '.', 'a', '--split', 'test'];
    expect(await refusal(args, ({ folder }) => writeConfig(folder))).toMatch(/test split .*found none$/m);
  });

  it('average of models that differ in an integer tensor, naming both', async () => {
    const spoil = async (pool: LinearPool) => {
      for (const [index, { id }] of pool.models.entries()) {
        const bytes = Uint8Array.of(index);
        const tensors = layers(pool.models[index] as LinearModel);
        await writeModel(modelPath(pool, id), [...tensors, { name: 'steps', dtype: 'U8', shape: [1], bytes }]);
      }
    };
    expect(await refusal(average('--out', 's'), spoil)).toMatch(/"steps", U8,.*\ba\b.*\bb\b/);
  });

  it('average that fails, and leaves what was at --out', async () => {
    const args = average('--weights', '1,1', '--out', 'models/c.safetensors');
    let before: Buffer | undefined;
    let path = '';
    await refusal(args, (pool) => {
      path = modelPath(pool, 'c');
      before = readFileSync(path);
    });
    expect(before).toEqual(readFileSync(path));
  });
});
