import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SearchReport } from '@radin/core';
import { expect, test } from 'vitest';
import { radinJson } from './run-radin.js';
import { newFolder } from './scratch.js';

const EXAMPLE = fileURLToPath(new URL('../../../examples/pytorch', import.meta.url));
const torch = ['python3', '/usr/bin/python3'].find(
  (command) =>
    spawnSync(command, ['-c', 'import importlib.util, sys; sys.exit(not importlib.util.find_spec("torch"))']).status ===
    0,
);

/** Accuracies on the validation split of weighted means of the .pt files' weights, by PyTorch alone. */
const ORACLE = `
import json, sys
import numpy as np, torch
from digits import logits_of, make_network
images, labels = np.load("data/validation_inputs.npy"), np.load("data/validation_labels.npy")
network = make_network()
scores = []
for soup in json.loads(sys.argv[1]):
    states = [torch.load(f"models/{name}.pt") for name in soup["models"]]
    mean = {key: sum(w * s[key].double() for w, s in zip(soup["weights"], states)).float() for key in states[0]}
    network.load_state_dict(mean)
    scores.append((logits_of(network, images).argmax(1) == labels).mean())
print(json.dumps(scores))
`;

test.skipIf(torch === undefined)(
  'examples/pytorch trains a pool whose soup has the score that PyTorch gives it (skipped without python3-torch)',
  async () => {
    const folder = newFolder();
    for (const name of readdirSync(EXAMPLE)) {
      if (/\.(py|yaml)$/.test(name)) copyFileSync(join(EXAMPLE, name), join(folder, name));
    }
    const config = readFileSync(join(folder, 'radin.yaml'), 'utf8');
    // The test split would only be four more starts of PyTorch.
    writeFileSync(join(folder, 'radin.yaml'), config.replace('"python3', `"${torch}`).replace(/^test:.*$/m, ''));
    const python = (...args: string[]) =>
      execFileSync(torch as string, ['-B', ...args], {
        cwd: folder,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    expect(python('train.py', '--quick')).toMatch(/^00-.* validation/);
    const { best, candidates, evaluations } = await radinJson<SearchReport>(
      ['search', '.', '--budget', '2', '--quiet'],
      folder,
    );
    const soups = [best, ...candidates.slice(0, evaluations)];
    expect(soups.map(({ models }) => models.length > 1).slice(1)).toEqual([true, true]);
    expect(JSON.parse(python('-c', ORACLE, JSON.stringify(soups)))).toEqual(soups.map(({ valScore }) => valScore));
  },
);
