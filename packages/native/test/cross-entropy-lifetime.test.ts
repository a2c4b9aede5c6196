import { expect, it } from 'vitest';
import { runModule } from './run-module.js';

const index = new URL('../dist/index.js', import.meta.url).href;

const setup = `
  import { setFlagsFromString } from 'node:v8';
  import { runInNewContext } from 'node:vm';
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  const { openBackend } = await import(${JSON.stringify(index)});
  const [samples, classes] = [4000, 40];
  const request = () => ({
    logits: [1, 2, 3].map((k) => ({
      dtype: 'F32',
      source: new Uint8Array(Float32Array.from({ length: samples * classes }, (_, i) => Math.sin(i * k)).buffer),
    })),
    samples, classes, labels: new Int32Array(samples),
  });
  const mixtures = (count) => new Float64Array(3 * count).fill(1);
  const backend = openBackend('cpu');
`;

it('a bank that only a running call refers to stays alive', () => {
  const output = runModule(`${setup}
    const expected = (await (await backend.openCrossEntropyBank(request())).bounds(mixtures(1))).lower[0];
    const start = async () => (await backend.openCrossEntropyBank(request())).bounds(mixtures(2000), { threads: 1 });
    const calls = [start(), start()];
    for (let i = 0; i < 30; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 5)); }
    const found = (await Promise.all(calls)).flatMap(({ lower }) => [...lower]);
    console.log(found.length, found.every((value) => value === expected));
  `);
  expect(output).toBe('4000 true');
});

it('a bank closed while a call runs is freed after it, and collected ones are freed too', () => {
  const output = runModule(`${setup}
    const start = process.memoryUsage().external;
    for (let i = 0; i < 5; i++) {
      const bank = await backend.openCrossEntropyBank(request());
      const running = bank.bounds(mixtures(300));
      bank.close();
      await running;
    }
    for (let i = 0; i < 5; i++) await backend.openCrossEntropyBank(request());
    for (let i = 0; i < 5; i++) { gc(); await new Promise(setImmediate); }
    console.log(process.memoryUsage().external - start < 5e6);
  `);
  expect(output).toBe('true');
});

it('a worker thread that is terminated while it makes and asks banks leaves the process alive', () => {
  const worker = `${setup}
    const { parentPort } = await import('node:worker_threads');
    parentPort.postMessage('started');
    for (;;) await (await backend.openCrossEntropyBank(request(), { threads: 2 })).bounds(mixtures(200), { threads: 2 });
  `;
  const output = runModule(`
    import { Worker } from 'node:worker_threads';
    for (let round = 0; round < 6; round++) {
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(worker)})));
      await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      await new Promise((resolve) => setTimeout(resolve, round * 7));
      await worker.terminate();
    }
    console.log('alive');
  `);
  expect(output).toBe('alive');
});
