import { describe, expect, it } from 'vitest';
import { runModule } from './run-module.js';

const index = new URL('../dist/index.js', import.meta.url).href;

/** A backend, a request of three models for either kind of call, and a pool of twelve. */
const setup = `
  const { openBackend } = await import(${JSON.stringify(index)});
  const backend = openBackend('cpu');
  const [samples, classes] = [20000, 10];
  const wave = (k, length) => new Uint8Array(Float32Array.from({ length }, (_, i) => Math.sin(i * k)).buffer);
  const logits = [1, 2, 3].map((k) => ({ dtype: 'F32', source: wave(k, samples * classes) }));
  const request = { logits, samples, classes, labels: new Int32Array(samples), top: 1 };
  const mixtures = (count) => Float64Array.from({ length: 3 * count }, (_, i) => 1 + (i % 5));
  const twelve = Array.from({ length: 12 }, (_, k) => ({ dtype: 'F32', source: wave(k + 1, 400 * classes) }));
  const small = { ...request, logits: twelve, samples: 400, labels: new Int32Array(400) };
  const options = { threads: 2 };
`;

const calls = {
  crossEntropy: 'await backend.crossEntropy({ ...request, mixtures: mixtures(60) }, options)',
  'the opening of a bank': '(await backend.openBank(request, options)).close()',
  'the counts of a bank':
    'const bank = await backend.openBank(request); for (;;) await bank.count(mixtures(2000), options)',
  'all subsets of a bank':
    'const bank = await backend.openBank(small); for (;;) await bank.allSubsets({ keep: 9, lambda: 0 }, options)',
};

describe('a worker thread that is terminated', () => {
  it.each(Object.entries(calls))('in the middle of %s leaves the process alive', (_, call) => {
    const worker = `${setup}
      const { parentPort } = await import('node:worker_threads');
      parentPort.postMessage('started');
      for (;;) { ${call}; }
    `;
    const output = runModule(`
      import { Worker } from 'node:worker_threads';
      for (let round = 0; round < 6; round++) {
        const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(worker)})));
        await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
        await new Promise((resolve) => setTimeout(resolve, round * 5));
        await worker.terminate();
      }
      ${setup}
      const bank = await backend.openBank(request);
      console.log('alive', (await bank.count(mixtures(1))).length);
    `);
    expect(output).toBe('alive 1');
  });
});

it('several worker threads use the addon at once and agree', () => {
  const worker = `${setup}
    const { parentPort } = await import('node:worker_threads');
    const { totals } = await backend.crossEntropy({ ...request, mixtures: mixtures(3) }, options);
    const counts = await (await backend.openBank(request, options)).count(mixtures(3), options);
    const { subsets } = await (await backend.openBank(small)).allSubsets({ keep: 3, lambda: 0 }, options);
    parentPort.postMessage([...totals, ...counts, ...subsets].join());
  `;
  const output = runModule(`
    import { Worker } from 'node:worker_threads';
    const url = new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(worker)}));
    const answers = await Promise.all(Array.from({ length: 3 }, () => new Promise((resolve, reject) => {
      new Worker(url).once('message', resolve).once('error', reject);
    })));
    console.log(new Set(answers).size, answers[0].split(',').length, answers[0].includes('NaN'));
  `);
  expect(output).toBe('1 9 false');
});

const collecting = `
  import { openBackend } from ${JSON.stringify(index)};
  import { setFlagsFromString } from 'node:v8';
  import { runInNewContext } from 'node:vm';
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  const backend = openBackend('cpu');
  const request = (samples) => ({
    logits: [1, 2].map((value) => ({
      dtype: 'F32',
      source: new Uint8Array(new Float32Array(10 * samples).fill(value).buffer),
    })),
    samples, classes: 10, labels: new Int32Array(samples), top: 1,
  });
  const collect = async (times) => {
    for (let i = 0; i < times; i++) { gc(); new Float32Array(4_000_000).fill(NaN); await new Promise(setImmediate); }
  };
`;

it('arrays that only a running call refers to stay alive', () => {
  const output = runModule(`${collecting}
    const opening = backend.openBank(request(400_000), { threads: 1 });
    const mixtures = new Float64Array(80).fill(1);
    const entropies = backend.crossEntropy({ ...request(200_000), mixtures }, { threads: 1 });
    await collect(5);
    console.log((await opening).statistics.alwaysRight);
    console.log(new Set((await entropies).totals.map((total) => Math.round(total / 200_000 * 1e6))));
  `);
  expect(output).toBe(`400000\nSet(1) { ${Math.round(Math.log(10) * 1e6)} }`);
});

it('a bank that only a running call refers to stays alive, and one that nothing refers to is freed', () => {
  const output = runModule(`${collecting}
    const one = request(20_000);
    const second = new Float32Array(one.logits[1].source.buffer);
    for (let i = 0; i < second.length; i++) second[i] = Math.sin(i);
    const first = new Float32Array(one.logits[0].source.buffer);
    for (let i = 0; i < first.length; i++) first[i] = Math.cos(i);
    const [expected] = await (await backend.openBank(one)).count(Float64Array.of(1, 1));
    const start = async () => (await backend.openBank(one)).count(new Float64Array(20_000).fill(1), { threads: 1 });
    const counting = [start(), start()];
    await collect(10);
    const found = (await Promise.all(counting)).flatMap((counts) => [...counts]);
    console.log(found.length, found.every((count) => count === expected));

    await collect(3);
    const before = process.memoryUsage().external;
    for (let i = 0; i < 5; i++) {
      const bank = await backend.openBank(one);
      const running = bank.count(new Float64Array(200).fill(1));
      bank.close();
      await running;
      await backend.openBank(one);
    }
    await collect(5);
    const { bytes } = (await backend.openBank(one)).statistics;
    console.log(process.memoryUsage().external - before < 2 * bytes);
  `);
  expect(output).toBe('20000 true\ntrue');
});
