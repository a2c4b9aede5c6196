import { loadavg } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { accuracy, type Logits, modelId, Problem, readNpy } from '@radin/core';
import { DataFolder } from '../data/folder.js';
import { describeEnvironment } from '../environment.js';
import type { Environment } from '../result.js';
import { readPoolFolder, type TestedPoolFiles } from '../soups/pool-folder.js';
import { averageCheck, compareChoice, compareRadin, compareSingles, compareTraces } from './checks.js';
import type { Contender, Outcome } from './contender.js';
import type { SoupingOptions } from './options.js';
import { ourSearches, RADIN } from './our-contenders.js';
import { PythonSouping } from './python-souping.js';
import type { Check, ProcessRun, SoupingResult, SoupingRow } from './result.js';
import { wholeProcess } from './whole-process.js';

export interface SoupingEvents {
  onNotice(text: string): void;
  onEnvironment(environment: Environment): void;
  onProgress(text: string): void;
}

type Entry = { readonly contender: Contender; readonly runs: ProcessRun[]; outcome: Outcome; testScore: number };

/**
 * From models on disk to a soup on disk, ours and PyTorch's: whole processes, one after the other, A B A B …, after one
 * warm-up of each, in which what they find is compared. Test scores are computed outside of what is timed.
 */
export async function benchmarkSouping(options: SoupingOptions, events: SoupingEvents): Promise<SoupingResult> {
  const folder = new DataFolder();
  const notices: string[] = [];
  const notice = (text: string) => {
    notices.push(text);
    events.onNotice(text);
  };
  try {
    const files = absolute(readPoolFolder(options.pool));
    const python = options.peers ? await PythonSouping.open(files.models, folder.path, notice) : undefined;
    const environment = describeEnvironment(python?.versions);
    events.onEnvironment(environment);
    const { logits, classes, samples } = await singleLogits(files);
    const before = loadavg()[0] as number;
    const entries: Entry[] = [];
    const warmUp = async (contender: Contender) => {
      events.onProgress(`${label(contender)}: warm-up`);
      const { outcome } = await contender.run(true);
      const testScore = outcome.testScore ?? (await testScoreOf(options.pool, outcome.soup));
      entries.push({ contender, runs: [], outcome, testScore });
    };
    const searches = options.threadCounts.map((threads) => ourSearches(files, options, threads, folder.path));
    // First, as the raced search then writes its own soup over this one's.
    const unraced = python && (await searches[0]?.unraced.run(true))?.outcome;
    for (const { contenders } of searches) for (const contender of contenders) await warmUp(contender);
    const peerLogits = join(folder.path, 'logits.npy');
    const candidates = [...(found(entries, 'ours', 'radin').candidates?.keys() ?? [])]
      .sort()
      .map((key) => key.split(' ').map(Number));
    for (const threads of python ? options.threadCounts : []) {
      const peers = python?.contenders(files, classes, candidates, options, threads, peerLogits) ?? [];
      for (const contender of peers) await warmUp(contender);
    }
    const checks = python && unraced ? await compareAll(entries, unraced, logits, peerLogits, python) : [];
    for (let round = 1; round <= options.rounds; round++) {
      for (const entry of entries) {
        events.onProgress(`${label(entry.contender)}: ${round} of ${options.rounds}`);
        entry.runs.push((await entry.contender.run(false)).timed);
      }
    }
    return {
      experiment: 'souping',
      environment,
      pool: { name: basename(resolve(options.pool)), models: files.models.length, samples, classes },
      budget: options.budget,
      candidates: candidates.length,
      seed: options.seed,
      batch: options.batch,
      load: [before, loadavg()[0] as number],
      rows: entries.map((entry) => rowOf(entry, files.models.map(modelId))),
      checks,
      notices,
    };
  } finally {
    folder.dispose();
  }
}

function label({ name, threads }: Contender): string {
  return `${name}, threads: ${threads}`;
}

function found(entries: readonly Entry[], side: Contender['side'], method: Contender['method']): Outcome {
  return (entries.find(({ contender }) => contender.side === side && contender.method === method) as Entry).outcome;
}

function rowOf({ contender, runs, outcome, testScore }: Entry, ids: readonly string[]): SoupingRow {
  const { name, side, method, threads } = contender;
  const { models, weights, valScore, evaluations, passes } = outcome;
  // Greedy lists its models in the order in which it took them.
  const parts = models.map((model, at) => ({ model, weight: weights[at] as number })).sort((a, b) => a.model - b.model);
  const soup = {
    models: parts.map(({ model }) => ids[model] as string),
    weights: parts.map(({ weight }) => weight),
    valScore,
    testScore,
  };
  return { name, side, method, threads, runs, found: soup, evaluations, ...(passes !== undefined && { passes }) };
}

async function compareAll(
  entries: readonly Entry[],
  unraced: Outcome,
  logits: readonly Logits[],
  peerLogits: string,
  python: PythonSouping,
): Promise<Check[]> {
  const { data } = await readNpy(peerLogits);
  const checks = [compareSingles(logits, new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4))];
  const [greedy, peerGreedy] = [found(entries, 'ours', 'greedy'), found(entries, 'peer', 'greedy')];
  const [radin, peerRadin] = [found(entries, 'ours', 'radin'), found(entries, 'peer', 'radin')];
  checks.push(compareTraces(greedy, peerGreedy), compareChoice('greedy', greedy, peerGreedy));
  checks.push(...compareRadin(unraced, peerRadin), compareChoice('RADIN', radin, peerRadin));
  const methods = ['greedy', 'radin', 'adaptive'] as const;
  const differences = await python.compareAverages(methods.map((method) => found(entries, 'ours', method)));
  checks.push(...differences.map((difference, index) => averageCheck(methods[index] as string, difference)));
  return [...checks, ...threadChecks(entries)];
}

/** No result may depend on the number of threads. */
function threadChecks(entries: readonly Entry[]): Check[] {
  const names = [...new Set(entries.map(({ contender }) => contender.name))];
  return names.flatMap((name) => {
    const mine = entries.filter(({ contender }) => contender.name === name);
    const soups = new Set(mine.map(({ outcome: { models, weights, valScore } }) => `${models}/${weights}/${valScore}`));
    return soups.size === 1 ? [] : [{ agrees: false, text: `${name}: another soup on another number of threads` }];
  });
}

/** Of a file of ours, by the command that people would use. */
async function testScoreOf(pool: string, soup: string): Promise<number> {
  const args = ['evaluate', pool, soup, '--split', 'test', '--no-cache', '--quiet', '--json'];
  const { answer } = await wholeProcess(process.execPath, [RADIN, ...args]);
  return (answer as { readonly score: number }).score;
}

function absolute({ graph, models, validation, test, output }: TestedPoolFiles): TestedPoolFiles {
  const split = ({ inputs, labels }: typeof test) => ({ inputs: resolve(inputs), labels: resolve(labels) });
  return {
    graph: resolve(graph),
    models: models.map((model) => resolve(model)),
    validation: split(validation),
    test: split(test),
    ...(output !== undefined && { output }),
  };
}

/** Of every model on the validation split, by our evaluator. */
async function singleLogits(files: TestedPoolFiles): Promise<{ logits: Logits[]; samples: number; classes: number }> {
  const problem = await Problem.open(files, { metric: accuracy, backend: 'auto', splits: ['validation'] });
  try {
    const { logits, samples, classes } = await problem.validation.cache();
    const values = logits.map(({ source }) => {
      const bytes = source as Uint8Array;
      return new Float32Array(bytes.buffer, bytes.byteOffset, samples * classes);
    });
    return { logits: values.map((model) => ({ values: model, samples, classes })), samples, classes };
  } finally {
    await problem.dispose();
  }
}
