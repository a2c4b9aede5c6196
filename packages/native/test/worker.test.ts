import { expect, it } from 'vitest';
import { runModule } from './run-module.js';

const index = new URL('../dist/index.js', import.meta.url).href;

const score = `
  const [samples, classes] = [20000, 10];
  const request = {
    logits: [1, 2, 3].map((k) => Float32Array.from({ length: samples * classes }, (_, i) => Math.sin(i * k))),
    samples, classes,
    labels: new Int32Array(samples),
    mixtures: new Float64Array(3 * MIXTURES).fill(1),
    measure: { kind: 'cross-entropy' },
  };
  const { openBackend } = await import(${JSON.stringify(index)});
  const done = openBackend('cpu').score(request, { threads: 2 });
`;

it('a worker thread that is terminated in the middle of a call leaves the process alive', () => {
  const worker = `${score.replace('MIXTURES', '60')} import('node:worker_threads').then((w) => w.parentPort.postMessage('started')); await done;`;
  const output = runModule(`
    import { Worker } from 'node:worker_threads';
    for (let round = 0; round < 8; round++) {
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(worker)})));
      await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      await new Promise((resolve) => setTimeout(resolve, round * 3));
      await worker.terminate();
    }
    ${score.replace('MIXTURES', '1')}
    console.log('alive', (await done).length);
  `);
  expect(output).toBe('alive 1');
});

it('several worker threads use the addon at once and agree', () => {
  const worker = `${score.replace('MIXTURES', '3')} const { parentPort } = await import('node:worker_threads'); parentPort.postMessage((await done)[2]);`;
  const output = runModule(`
    import { Worker } from 'node:worker_threads';
    const url = new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(worker)}));
    const totals = await Promise.all(Array.from({ length: 3 }, () => new Promise((resolve, reject) => {
      new Worker(url).once('message', resolve).once('error', reject);
    })));
    console.log(new Set(totals).size, totals[0] > 0);
  `);
  expect(output).toBe('1 true');
});

it('arrays that only a running call refers to stay alive', () => {
  const output = runModule(`
    import { openBackend } from ${JSON.stringify(index)};
    import { setFlagsFromString } from 'node:v8';
    import { runInNewContext } from 'node:vm';
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc');
    const start = () => {
      const logits = [1, 2].map((value) => new Float32Array(2_000_000).fill(value));
      const labels = new Int32Array(200_000);
      const mixtures = new Float64Array(80).fill(1);
      return openBackend('cpu').score({ logits, samples: 200_000, classes: 10, labels, mixtures, measure: { kind: 'top', k: 1 } }, { threads: 1 });
    };
    const done = start();
    for (let i = 0; i < 5; i++) { gc(); new Float32Array(4_000_000).fill(NaN); await new Promise(setImmediate); }
    console.log(new Set(await done));
  `);
  expect(output).toBe('Set(1) { 200000 }');
});
