import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Checkpoint } from '../../src/pool/index.js';
import { f32, linearGraph, refused, temporaryFolder, writeGraph, writeModel } from '../pools.js';
import { loopGraph, loopModel } from './loop-graph.js';
import { inputsOf, openEvaluator, openSlow, slowInputs } from './opened.js';

const folder = temporaryFolder();

/** The processes that a process has started. */
function childrenOf(parent: number): number[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      return /^\d+$/.test(name) && parentOf(name) === parent ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

function parentOf(pid: string): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
}

test('a graph that does not end is stopped and named, and what runs beside it is not touched', async () => {
  const models = [loopModel(1), loopModel(0.5)];
  const { evaluator, models: opened } = await openEvaluator(folder, loopGraph(), models, {
    threads: 2,
    timeout: 1,
    batch: 2,
  });
  const inputs = inputsOf(f32([5, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
  const [good, bad] = opened as [Checkpoint, Checkpoint];
  const begun = performance.now();
  const hung = evaluator.logits(bad, inputs);
  const beside = evaluator.logits(good, inputs);
  await expect(hung).rejects.toEqual(
    refused(
      'EVALUATION',
      /takes at most 1 s but found .* longer, twice, in the batch that begins with sample \d \(model "b"/,
    ),
  );
  expect(performance.now() - begun).toBeLessThan(15_000);
  expect([...(await beside).values]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test.skipIf(process.platform !== 'linux')('a process that is killed in the middle changes no result', async () => {
  const { evaluator, models } = await openSlow(folder, 2);
  const undisturbed = await evaluator.logits(models[0], slowInputs);
  let kills = 0;
  const call = evaluator.logits(models[0], slowInputs, {
    onProgress: () => {
      if (kills++ > 0) return;
      for (const pid of childrenOf(process.pid)) process.kill(pid, 'SIGKILL');
    },
  });
  expect((await call).values).toEqual(undisturbed.values);
  expect(kills).toBeGreaterThan(1);
});

/** Kills the next processes that this one starts, as soon as they are there. */
async function killWhileStarting(times: number): Promise<void> {
  const killed = new Set<number>();
  while (killed.size < times) {
    for (const pid of childrenOf(process.pid)) {
      if (killed.size === times || killed.has(pid)) continue;
      killed.add(pid);
      process.kill(pid, 'SIGKILL');
    }
    await wait(1);
  }
}

test.skipIf(process.platform !== 'linux')(
  'a process that is killed before it takes jobs is started again, once',
  async () => {
    const killed = killWhileStarting(1);
    const { evaluator, models } = await openSlow(folder, 2);
    await killed;
    expect((await evaluator.logits(models[0], slowInputs)).samples).toBe(slowInputs.samples);
    await evaluator.dispose();
    const both = killWhileStarting(2);
    await expect(openSlow(folder, 2)).rejects.toEqual(refused('EVALUATION', /lives on .* killed by SIGKILL/));
    await both;
  },
);

test.skipIf(process.platform !== 'linux')(
  'a process that is killed after the last batch has come changes no result',
  async () => {
    const { evaluator, models } = await openSlow(folder, 2);
    const undisturbed = await evaluator.logits(models[0], slowInputs);
    const killed = await evaluator.logits(models[0], slowInputs, {
      onProgress: (samples) => {
        if (samples < undisturbed.samples) return;
        for (const pid of childrenOf(process.pid)) process.kill(pid, 'SIGKILL');
      },
    });
    expect(killed.values).toEqual(undisturbed.values);
  },
);

test.skipIf(process.platform !== 'linux')('a process that is stopped between two models is replaced', async () => {
  const model = { w: f32([2, 2], [1, 0, 0, 1]), b: f32([2], [0, 0]) };
  const { evaluator, models } = await openEvaluator(folder, linearGraph(2, 2), [model], { threads: 1, timeout: 1 });
  const inputs = inputsOf(f32([1, 2], [3, 4]));
  const undisturbed = await evaluator.logits(models[0] as Checkpoint, inputs);
  for (const pid of childrenOf(process.pid)) process.kill(pid, 'SIGSTOP');
  expect((await evaluator.logits(models[0] as Checkpoint, inputs)).values).toEqual(undisturbed.values);
});

test.skipIf(process.platform !== 'linux')('more memory than allowed is an error that says so', async () => {
  const opened = openEvaluator(folder, linearGraph(2, 2), [{ w: f32([2, 2], [1, 0, 0, 1]), b: f32([2], [0, 0]) }], {
    threads: 1,
    memory: 2 ** 20,
  });
  await expect(opened).rejects.toEqual(
    refused('EVALUATION', /within 1 MiB of memory but found .*graph\.onnx: one that takes \d+ MiB/),
  );
});

test.skipIf(process.platform !== 'linux')(
  'nothing is left of a process that is killed in the middle of a loop without end',
  async () => {
    const graph = writeGraph(join(folder, 'loop.onnx'), loopGraph());
    const model = await writeModel(join(folder, 'endless.safetensors'), loopModel(0.5));
    const inputs = join(folder, 'x.npy');
    const script = `
    import { OnnxEvaluator, openCheckpoints, Pool, readOnnx, readSplit, writeNpy } from '@radin/core';
    await writeNpy('${inputs}', 'F32', [1, 2], new Uint8Array(8));
    await writeNpy('${inputs}.y.npy', 'U8', [1], new Uint8Array(1));
    const models = await openCheckpoints(['${model}']);
    const evaluator = await OnnxEvaluator.open(await readOnnx('${graph}'), new Pool(models), { threads: 1 });
    const split = await readSplit('test', { inputs: '${inputs}', labels: '${inputs}.y.npy' });
    void evaluator.logits(models[0], split.inputs);
    setTimeout(() => console.log('running'), 300);
  `;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: join(import.meta.dirname, '../..'),
    });
    await once(parent.stdout, 'data');
    const [child] = childrenOf(parent.pid as number) as [number];
    parent.kill('SIGKILL');
    const begun = performance.now();
    while (isAlive(child) && performance.now() - begun < 5000) await wait(20);
    expect(isAlive(child)).toBe(false);
  },
);

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}

test('weights that may take little memory get few threads, and the same logits', async () => {
  const x = inputsOf(f32([2, 2], [1, 2, 3, 4]));
  const models = [loopModel(0), loopModel(1)];
  const { evaluator, models: opened } = await openEvaluator(folder, loopGraph(), models, {
    threads: 3,
    maxWeightBytes: 1,
  });
  expect([evaluator.threads, evaluator.mostOpen]).toEqual([1, 1]);
  const found = await Promise.all(opened.map((model) => evaluator.logits(model, x)));
  expect(found.map(({ values }) => [...values])).toEqual([
    [1, 2, 3, 4],
    [1, 2, 3, 4],
  ]);
});
