import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Inputs, type Split } from '../../src/data/index.js';
import { commandWords, fillIn } from '../../src/evaluator/command-words.js';
import { CommandEvaluator, type CommandEvaluatorOptions, LogitsKeys } from '../../src/evaluator/index.js';
import { accuracy, crossEntropy, type Metric } from '../../src/metric/index.js';
import { FileCheckpoint, KnownContents } from '../../src/pool/index.js';
import { f32, refused, temporaryFolder, writeArray, writeModel } from '../files.js';

const folder = temporaryFolder();
const temporary = mkdtempSync(join(folder, 'tmp-'));
const usual = process.env.TMPDIR;
beforeAll(() => {
  process.env.TMPDIR = temporary;
});
afterAll(() => {
  if (usual === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = usual;
});

const labels = { path: 'labels.npy', values: Int32Array.of(0, 1, 1, 0) };
const noInputs = () => new Inputs({ path: 'labels.npy', dtype: 'U8', shape: [4, 0], parts: [] });
const inputs = noInputs();
const split: Split = { name: 'validation', inputs, labels, samples: 4 };
const model = writeModel(join(folder, 'a model.safetensors'), { w: f32([1], [1]) });

/** An evaluator that runs a few lines of sh in a new folder. */
function shell(lines: string, options: Partial<CommandEvaluatorOptions> = {}, metric: Metric = accuracy) {
  const own = mkdtempSync(join(folder, 'run-'));
  const evaluator = new CommandEvaluator(
    { command: ['sh', '-c', lines, '{weights}', '{split}', '{logits}'], folder: own, timeout: 60, ...options },
    metric,
  );
  evaluator.admit(split);
  onTestFinished(() => evaluator.dispose());
  const evaluate = async (signal?: AbortSignal) => {
    const checkpoint = await FileCheckpoint.open('m', await model);
    onTestFinished(() => checkpoint.close());
    return evaluator.logitsOrScore(checkpoint, inputs, signal ? { signal } : {});
  };
  return { folder: own, evaluator, evaluate };
}

/** Whether the process is there, and not only waiting to be forgotten by whoever is its parent by now. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}

describe('a program is given', () => {
  test('the model’s own file, the split, a place for logits and the same in its environment', async () => {
    const lines = `printf '%s\\n' "$0" "$1" "$2" "$RADIN_WEIGHTS" "$RADIN_SPLIT" "$RADIN_LOGITS" "$RADIN_MODEL" "$RADIN_SLOT" > given; echo '{"score": 0.5}'`;
    const { evaluate, folder: own } = shell(lines);
    expect(await evaluate()).toBe(0.5);
    const [weights, name, logits, ...environment] = readFileSync(join(own, 'given'), 'utf8').trim().split('\n');
    expect([weights, name]).toEqual([await model, 'validation']);
    expect(logits?.startsWith(temporary)).toBe(true);
    expect(environment).toEqual([weights, name, logits, 'm', '0']);
  });

  test('words as a text splits outside quotes, and values that stay in their word', () => {
    expect(commandWords(`  python  eval.py --a='b  c' "d\\"e\\f" g\\ h '' --w={weights} \n`)).toEqual([
      'python',
      'eval.py',
      '--a=b  c',
      'd"e\\f',
      'g h',
      '',
      '--w={weights}',
    ]);
    expect(commandWords(['a b', '"'])).toEqual(['a b', '"']);
    const values = { weights: '/a b/{split}', split: 'test', logits: '/l' };
    expect(fillIn(['{weights}', '--x={split},{logits}', '{}'], values)).toEqual(['/a b/{split}', '--x=test,/l', '{}']);
    for (const open of [`a 'b`, `a "b`, 'a \\']) expect(() => commandWords(open)).toThrow(/every quote .* closed/);
    expect(() => commandWords('  ')).toThrow(/a program .* none/);
    expect(() => commandWords('a {wieghts}')).toThrow(/\{weights\}, \{split\}, \{logits\} .* "\{wieghts\}"/);
  });
});

describe('what a program does wrong', () => {
  test.each<[string, string, RegExp, Metric?]>([
    [
      'an exit code',
      'echo no; echo why >&2; echo boom >&2; exit 3',
      /"m" on the validation split but found, 2 times: exit code 3, last .* "boom"$/,
    ],
    ['a signal', 'kill -9 $$', /signal SIGKILL, nothing on standard error$/],
    ['no answer', 'true', /but found neither$/],
    ['another last line', `echo '{"score": 0.5}'; echo done`, /but found "done"$/],
    ['a score that is no number', `echo '{"score": NaN}'`, /\{\\"score\\": NaN\}"$/],
    ['a percentage', `echo '{"score": 93}'`, /a score from 0 to 1 for accuracy but found 93$/],
    ['a loss', `echo '{"score": 0.3}'`, /≤ 0, the negative loss, for cross-entropy but found 0.3$/, crossEntropy],
    ['NaN logits', 'cp ../nan.npy "$2"', /finite logits but found NaN in .*, sample 1, class 0$/],
    ['logits of fewer samples', 'cp ../short.npy "$2"', /4 samples, a row for each label, but found 3/],
    ['logits of too few classes', 'cp ../narrow.npy "$2"', /shape \[samples, classes\]/],
    ['no array', 'echo garbage > "$2"', /NumPy|npy/i],
    ['a folder', 'mkdir "$2"', /a folder/],
    ['a pipe', 'mkfifo "$2"', /a pipe/],
  ])('is named after a second attempt: %s', async (_, lines, message, metric = accuracy) => {
    await writeArray(join(folder, 'nan.npy'), f32([4, 2], [1, 2, Number.NaN, 0, 0, 0, 0, 0]));
    await writeArray(join(folder, 'short.npy'), f32([3, 2], new Float32Array(6)));
    await writeArray(join(folder, 'narrow.npy'), f32([4, 1], new Float32Array(4)));
    const { evaluate, folder: own } = shell(`echo x >> attempts; ${lines}`, {}, metric);
    await expect(evaluate()).rejects.toEqual(refused('EVALUATION', message));
    expect(readFileSync(join(own, 'attempts'), 'utf8')).toBe('x\nx\n');
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('is forgotten when the second attempt is right', async () => {
    const lines = `if [ -e tried ]; then echo '{"score": 1}'; else touch tried "$2"; exit 1; fi`;
    expect(await shell(lines).evaluate()).toBe(1);
    await expect(shell(lines, { retries: 0 }).evaluate()).rejects.toEqual(refused('EVALUATION', /found: exit code 1/));
  });

  test('is not repeated where there is no such program', async () => {
    const { evaluate } = shell('', { command: ['./missing'] });
    await expect(evaluate()).rejects.toEqual(refused('FILE', /^Expected to run \.\/missing but found: .*ENOENT/));
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('another number of classes than before is one', async () => {
    await writeArray(join(folder, 'two.npy'), f32([4, 2], new Float32Array(8)));
    await writeArray(join(folder, 'three.npy'), f32([4, 3], new Float32Array(12)));
    const { evaluate } = shell('if [ -e tried ]; then cp ../three.npy "$2"; else touch tried; cp ../two.npy "$2"; fi');
    expect(await evaluate()).toMatchObject({ samples: 4, classes: 2 });
    await expect(evaluate()).rejects.toEqual(refused('EVALUATION', /of 2 classes as before but found 3$/));
  });
});

describe('no process and no file is left', () => {
  const HANG = 'sleep 600 & echo $! > pids; echo $$ >> pids; mv pids started; wait';
  const pids = (own: string) => readFileSync(join(own, 'started'), 'utf8').trim().split('\n').map(Number);

  test('of a program that hangs', async () => {
    const { evaluate, folder: own } = shell(HANG, { timeout: 0.3, retries: 0 });
    await expect(evaluate()).rejects.toEqual(refused('EVALUATION', /no end within 0\.3 s, nothing on/));
    expect(pids(own).filter(isAlive)).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('of one that is aborted and will not go', async () => {
    const { evaluate, folder: own } = shell(`trap '' TERM; ${HANG}; ${HANG}`);
    const stop = new AbortController();
    const evaluated = evaluate(stop.signal);
    evaluated.catch(() => {});
    await until(() => existsSync(join(own, 'started')));
    stop.abort(new Error('enough'));
    await expect(evaluated).rejects.toThrow('enough');
    expect(pids(own).filter(isAlive)).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('when the evaluator is disposed of', async () => {
    const { evaluate, evaluator, folder: own } = shell(HANG);
    const evaluated = evaluate();
    evaluated.catch(() => {});
    await until(() => existsSync(join(own, 'started')));
    await evaluator.dispose();
    await expect(evaluated).rejects.toThrow(/disposed/);
    expect(pids(own).filter(isAlive)).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('behind a program that is done', async () => {
    const { evaluate, folder: own } = shell(`sleep 600 & echo $! > started; echo '{"score": 0.25}'`);
    expect(await evaluate()).toBe(0.25);
    expect(pids(own).filter(isAlive)).toEqual([]);
  });
});

test('parts of a split are rows of one run', async () => {
  await writeArray(join(folder, 'rows.npy'), f32([4, 2], [0, 1, 2, 3, 4, 5, 6, 7]));
  const { evaluator, folder: own } = shell('echo x >> runs; cp ../rows.npy "$2"');
  const checkpoint = await FileCheckpoint.open('m', await model);
  onTestFinished(() => checkpoint.close());
  const opened = await evaluator.open(checkpoint, inputs);
  expect((await opened.logits(Uint32Array.of(3, 0))).values).toEqual(Float32Array.of(6, 7, 0, 1));
  expect((await opened.logits()).samples).toBe(4);
  await opened.close();
  expect(readFileSync(join(own, 'runs'), 'utf8')).toBe('x\n');
});

test('as many run at once as there are slots, each with a number of its own', async () => {
  const lines = `echo "begin $RADIN_SLOT" >> log; sleep 0.1; echo "end $RADIN_SLOT" >> log; echo '{"score": 0}'`;
  const { evaluate, folder: own } = shell(lines, { slots: 2 });
  await Promise.all(Array.from({ length: 4 }, () => evaluate()));
  const running = new Set<string>();
  let most = 0;
  for (const line of readFileSync(join(own, 'log'), 'utf8').trim().split('\n')) {
    const [what, slot] = line.split(' ') as [string, string];
    expect(running.has(slot)).toBe(what === 'end');
    if (what === 'begin') running.add(slot);
    else running.delete(slot);
    most = Math.max(most, running.size);
  }
  expect(most).toBe(2);
});

test('a megabyte of output is no matter, and its last line counts', async () => {
  const { evaluate } = shell(`yes warning | head -c 1000000 | tee /dev/stderr; echo; echo '{"score": 0.75}'`);
  expect(await evaluate()).toBe(0.75);
});

test('what is remembered belongs to command, named files, version and labels', async () => {
  const own = mkdtempSync(join(folder, 'keys-'));
  writeFileSync(join(own, 'eval.py'), 'print(1)');
  mkdirSync(join(own, 'data'));
  const checkpoint = await FileCheckpoint.open('m', await model);
  onTestFinished(() => checkpoint.close());
  const keyOf = async (options: Partial<CommandEvaluatorOptions> = {}, others: Partial<Split> = {}) => {
    const asked = { ...split, inputs: noInputs(), ...others };
    const evaluator = new CommandEvaluator({ command: 'python eval.py data', folder: own, ...options }, accuracy);
    evaluator.admit(asked);
    onTestFinished(() => evaluator.dispose());
    return (await new LogitsKeys(evaluator, new KnownContents()).ofModel(checkpoint, asked.inputs))?.name;
  };
  const keys = [
    await keyOf(),
    await keyOf({ command: 'python eval.py other' }),
    await keyOf({ version: '2' }),
    await keyOf({}, { name: 'test' }),
    await keyOf({}, { labels: { ...labels, values: Int32Array.of(0, 1, 1, 1) } }),
    await keyOf({}, { part: { of: 5, samples: Uint32Array.of(0, 1, 2, 4) } }),
  ];
  expect(await keyOf({ slots: 3, timeout: 5, retries: 0 })).toBe(keys[0]);
  copyFileSync(await model, join(own, 'eval.py'));
  expect(new Set([...keys, await keyOf()]).size).toBe(7);
});
