import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readNpy } from '@radin/core';
import { expect, it } from 'vitest';
import { radinJson } from '../run-radin.js';
import { newFolder } from '../scratch.js';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const tool = (name: string) => here(`../../../../tools/clip/${name}.py`);
const PYTHON = ['python3', '/usr/bin/python3'].find(
  (command) => spawnSync(command, ['-c', 'import numpy, torch, onnx, PIL']).status === 0,
);
if (PYTHON === undefined) {
  process.stderr.write('no Python with torch, onnx and PIL: the tools for CLIP checkpoints are not tested\n');
}

function python(script: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(PYTHON ?? '', ['-B', script, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

interface Reference {
  readonly logits: readonly (readonly (readonly number[])[])[];
  readonly correct: number;
  readonly sameNames: boolean;
  readonly differ: number;
}

interface Described {
  readonly models: readonly string[];
  readonly approxScore: number;
}

/** Each tensor with its dtype, shape and hash, and no metadata: these say how a soup was chosen. */
async function tensorsOf(file: string): Promise<unknown> {
  const { tensors } = await radinJson<{ tensors: unknown }>(['inspect', file], '.');
  return tensors;
}

async function floats(path: string): Promise<Float32Array> {
  const { data } = await readNpy(path);
  return new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4);
}

const models = ['model_00', 'model_01', 'model_02', 'model_03', 'model_04'];

it.skipIf(PYTHON === undefined)(
  'CLIP checkpoints become a pool whose models, soups and scores are PyTorch’s',
  async () => {
    const raw = newFolder();
    const reference = here('reference.py');
    python(reference, 'make', raw);
    const states = models.map((_, index) => join(raw, `model_${index}.pt`));
    const said = python(tool('convert_checkpoints'), ...states, '--out', join(raw, 'models'));
    expect(said).toMatch(/left out: model\.ln_final\.bias, .*, model\.token_embedding\.weight\n/);
    expect(readdirSync(join(raw, 'models'))).toEqual(models.map((id) => `${id}.safetensors`));
    python(tool('make_graph'), join(raw, 'models/model_00.safetensors'), '--out', join(raw, 'model.onnx'));
    const folders = ['--train', join(raw, 'train'), '--val', join(raw, 'val'), '--held-out', join(raw, 'held_out.npy')];
    python(tool('make_data'), 'imagenet', ...folders, '--out', raw, '--side', '16');
    copyFileSync(here('../../../../examples/clip/radin.yaml'), join(raw, 'radin.yaml'));

    const searched = await radinJson<{ best: { models: string[]; valScore: number }; pool: { samples: number } }>(
      ['search', raw, '--strategy', 'radin', '--budget', '2', '--out', join(raw, 'out')],
      raw,
    );
    expect(searched.pool.samples).toBe(45);
    const soup = join(raw, 'out/soup.safetensors');
    const expected = JSON.parse(python(reference, 'check', raw, soup, ...searched.best.models)) as Reference;
    expect([expected.sameNames, expected.differ]).toEqual([true, 0]);
    expect(searched.best.valScore).toBeCloseTo(expected.correct / 45, 12);

    // The other way: logits by PyTorch, stage 1 by `radin score`, stage 2 by PyTorch on RADIN's averages.
    const data = ['--inputs', join(raw, 'val_inputs.npy'), '--labels', join(raw, 'val_labels.npy')];
    const files = models.map((id) => join(raw, 'models', `${id}.safetensors`));
    python(tool('logits'), ...files, ...data, '--out', join(raw, 'logits'), '--device', 'cpu');
    for (const [index, id] of models.entries()) {
      const ours = await floats(join(raw, 'logits', `${id}.npy`));
      for (const [at, value] of (expected.logits[index] ?? []).flat().entries()) {
        expect(Math.abs((ours[at] as number) - value), `${id}, logit ${at}`).toBeLessThan(1e-5);
      }
    }
    await radinJson(['evaluate', raw, 'model_02', '--save-logits', join(raw, 'onnx.npy')], raw);
    const [onnx, torch] = [await floats(join(raw, 'onnx.npy')), await floats(join(raw, 'logits/model_02.npy'))];
    expect(Math.max(...onnx.map((value, at) => Math.abs(value - (torch[at] as number))))).toBeLessThan(1e-5);

    const scored = await radinJson<{ candidates: Described[] }>(
      ['score', '--logits', join(raw, 'logits/*.npy'), '--labels', join(raw, 'val_labels.npy'), '--top', '2'],
      raw,
    );
    writeFileSync(join(raw, 'ranking.json'), JSON.stringify(scored));
    const last = python(
      tool('second_stage'),
      join(raw, 'ranking.json'),
      ...['--models', join(raw, 'models'), ...data, '--budget', '2', '--out', join(raw, 'best.safetensors')],
      ...['--radin', `${process.execPath} ${here('../../bin/radin.js')}`, '--device', 'cpu'],
    );
    expect(last).toMatch(new RegExp(`best ${(100 * searched.best.valScore).toFixed(3)} %`));
    expect(await tensorsOf(join(raw, 'best.safetensors'))).toEqual(await tensorsOf(soup));
  },
  120_000,
);

it.skipIf(PYTHON === undefined)(
  'images are scaled and cropped, and held-out images are the validation data',
  async () => {
    const raw = newFolder();
    python(here('reference.py'), 'make', raw);
    mkdirSync(join(raw, 'cifar'));
    python(tool('make_data'), 'cifar10', '--root', raw, '--out', join(raw, 'cifar'), '--side', '64');
    const [val, test] = [
      await readNpy(join(raw, 'cifar/val_inputs.npy')),
      await readNpy(join(raw, 'cifar/test_inputs.npy')),
    ];
    expect([val.shape, test.shape, val.dtype]).toEqual([[10, 3, 64, 64], [20, 3, 64, 64], 'U8']);
    const folders = ['--train', join(raw, 'train'), '--val', join(raw, 'val'), '--held-out', join(raw, 'held_out.npy')];
    python(tool('make_data'), 'imagenet', ...folders, '--out', raw, '--side', '16');
    const { shape, data } = await readNpy(join(raw, 'test_inputs.npy'));
    expect(shape).toEqual([45, 3, 16, 16]);
    // The first image is three times as wide: its middle third; the second has the right size.
    const program = `
import sys, numpy
from PIL import Image
from pathlib import Path
files = sorted((Path(sys.argv[1]) / 'val').glob('*/*.png'))
images = [numpy.array(Image.open(file)) for file in files]
sys.stdout.write(numpy.stack([image[:, (image.shape[1] - 16) // 2:][:, :16].transpose(2, 0, 1) for image in images]).tobytes().hex())
`;
    const { stdout } = spawnSync(PYTHON ?? '', ['-c', program, raw], { encoding: 'utf8' });
    expect(Buffer.from(data).toString('hex')).toBe(stdout);
    expect([...(await readNpy(join(raw, 'val_labels.npy'))).data.filter((_, at) => at % 2 === 0)]).toEqual(
      [0, 1, 2].flatMap((label) => Array(15).fill(label)),
    );
    writeFileSync(join(raw, 'held_out.npy'), readFileSync(join(raw, 'val_labels.npy')));
    expect(() => python(tool('make_data'), 'imagenet', ...folders, '--out', raw)).toThrow(
      /^error: expected one entry per image of .*train, 60, but found \(45,\) in .*held_out\.npy\n$/,
    );
  },
);

it.skipIf(PYTHON === undefined)('what is no such checkpoint is refused in one line', () => {
  const raw = newFolder();
  const save = (name: string, state: string) => {
    const program = `import sys, torch; torch.save(${state}, sys.argv[1])`;
    spawnSync(PYTHON ?? '', ['-c', program, join(raw, name)]);
    return join(raw, name);
  };
  const refused = (file: string) => () => python(tool('convert_checkpoints'), file, '--out', raw);
  expect(refused(save('other.pt', "{'fc.weight': torch.zeros(2, 2)}"))).toThrow(
    /^error: .*other\.pt: expected the tensor model\.visual\.conv1\.weight of a fine-tuned CLIP vision transformer but found none\n$/,
  );
  expect(refused(save('code.pt', '__import__("pathlib").Path("x")'))).toThrow(/^error: .*code\.pt: .*\n$/);
  expect(refused(join(raw, 'missing.pt'))).toThrow(/^error: .*missing\.pt: .*\n$/);
});
