import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Random } from '@radin/core';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { tinyPool } from '../../core/test/pools.js';
import { writeConfig } from './pools.js';
import { DIGITS, runRadin, runRadinHere } from './run-radin.js';
import { newFolder } from './scratch.js';

const EVALUATOR = fileURLToPath(new URL('../../core/test/evaluator/linear-command.mjs', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../bin/radin.js', import.meta.url));

/** A pool that only a program of the user can evaluate, which notes each evaluation in the file `log`. */
async function commandPool(): Promise<string> {
  const made = await tinyPool(newFolder(), { models: 4, samples: 60, noise: 1.5, seed: 5 });
  // Results have the pool's name.
  const folder = join(made.folder, '../pool');
  renameSync(made.folder, folder);
  copyFileSync(EVALUATOR, join(folder, 'evaluate.mjs'));
  const script = 'echo "$RADIN_SPLIT $(sha256sum < "$1")" >> log; exec "$0" evaluate.mjs logits "$1" "$2" "$3"';
  const command = ['sh', '-c', script, process.execPath, '{weights}', '{split}', '{logits}'];
  writeConfig(folder, {
    graph: undefined,
    models: "'m*.safetensors'",
    evaluator: JSON.stringify({ command }),
    validation: '{ labels: val_labels.npy }',
    test: '{ labels: test_labels.npy }',
  });
  return folder;
}

function log(folder: string): string[] {
  const path = join(folder, 'log');
  return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
}

/** Everything in a run folder but the record. */
function resultsIn(out: string): Map<string, string> {
  const kept = readdirSync(out).filter((name) => name !== 'journal.jsonl');
  const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
  return new Map(kept.sort().map((name) => [name, sha256(join(out, name))]));
}

describe.each([
  ['the adaptive search', ['search', '.', '--budget', '10', '--no-cache']],
  [
    'the paper’s search with a cache',
    ['search', '.', '--strategy', 'radin', '--sampler', 'exhaustive', '--budget', '10', '--cache', 'cache'],
  ],
  ['a comparison', ['compare', '.', '--budgets', '2,4', '--no-cache']],
])('%s that is killed again and again', (_, args) => {
  it('ends with the bytes of an undisturbed one, and no finished evaluation is made again', async () => {
    const [straight, killed] = [await commandPool(), await commandPool()];
    const first = await runRadin([...args, '--out', 'out'], straight);
    expect(first).toMatchObject({ code: 0 });
    // What a process leaves that is killed while it writes.
    mkdirSync(join(killed, 'out/.radin-0123456789abcdef.tmp/model'), { recursive: true });
    const random = new Random(6);
    for (let kill = 0; kill < KILLS; kill++) {
      const until = log(killed).length + 1 + random.below(4);
      const delay = random.below(100);
      const outcome = await runRadin([...args, '--out', 'out'], killed, (child) => {
        void killAt(child, killed, until, delay);
      });
      expect(outcome.code).toBe(null);
    }
    expect(await runRadin([...args, '--out', 'out'], killed)).toMatchObject({ code: 0 });
    expect(resultsIn(join(killed, 'out'))).toEqual(resultsIn(join(straight, 'out')));
    const [made, needed] = [log(killed), log(straight)];
    expect(new Set(made)).toEqual(new Set(needed));
    expect(new Set(needed).size).toBe(needed.length);
    // One evaluation at a time: the one that a kill ended may be made again, and the one whose result was being recorded.
    expect(made.length).toBeLessThanOrEqual(needed.length + 2 * KILLS);
    const again = await runRadinHere([...args, '--out', 'out'], killed);
    expect(again).toMatchObject({ code: 0 });
    expect(resultsIn(join(killed, 'out'))).toEqual(resultsIn(join(straight, 'out')));
  });
});

/** Of each run. */
const KILLS = 3;

async function killAt(child: ChildProcess, folder: string, lines: number, delay: number): Promise<void> {
  while (child.exitCode === null && log(folder).length < lines) await sleep(5);
  await sleep(delay);
  child.kill('SIGKILL');
}

describe('the folder of an unfinished run', () => {
  let folder: string;
  const args = ['search', '.', '--no-cache', '--out', 'out'];
  const lines = () =>
    readFileSync(join(folder, 'out', 'journal.jsonl'), 'utf8')
      .trimEnd()
      .split('\n');
  beforeAll(async () => {
    folder = await commandPool();
    // Room for some lines and not for all: a limit on the size of files is a disk that is full.
    const limited = `ulimit -f 6; exec "$0" "$@"`;
    const child = spawn('sh', ['-c', limited, process.execPath, PROGRAM, ...args, '--budget', '6'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(stderr).toMatch(
      /radin: error: Expected to write out\/journal\.jsonl but found: file too large \(EFBIG\)\n$/,
    );
    expect(code).toBe(2);
  });

  it.each<[string, string[], string]>([
    ['another budget', ['--budget', '7'], 'Expected budget 6,'],
    ['another strategy', ['--budget', '6', '--strategy', 'radin'], 'Expected strategy "adaptive",'],
    ['another seed', ['--budget', '6', '--seed', '1'], 'Expected seed 0,'],
    ['a hold-out', ['--budget', '6', '--holdout', '0.2'], 'Expected holdout none,'],
    ['another metric', ['--budget', '6', '--metric', 'cross-entropy'], 'Expected metric "accuracy",'],
  ])('is refused to %s', async (_, options, message) => {
    const before = readFileSync(join(folder, 'out', 'journal.jsonl'));
    const { code, stderr } = await runRadinHere([...args, ...options], folder);
    expect(stderr).toContain(`radin: error: ${message} as of the unfinished run in out/journal.jsonl, but found `);
    expect(code).toBe(2);
    expect(readFileSync(join(folder, 'out', 'journal.jsonl'))).toEqual(before);
    expect(existsSync(join(folder, 'out', 'journal-logits'))).toBe(true);
  });

  it('is refused where a line was changed, with its number, and begun anew where that is asked for', async () => {
    const damaged = lines().with(2, (lines()[2] as string).replace('"score":0.', '"score":1.'));
    const path = join(folder, 'out', 'journal.jsonl');
    const before = readFileSync(path);
    writeFileSync(path, `${damaged.join('\n')}\n`);
    const { code, stderr } = await runRadinHere([...args, '--budget', '6'], folder);
    expect(stderr).toMatch(/^radin: error: Expected a line whose checksum is .* in line 3 of out\/journal\.jsonl: /m);
    expect(code).toBe(2);
    const other = await runRadinHere([...args, '--budget', '2', '--restart'], folder);
    expect(other).toMatchObject({ code: 0 });
    writeFileSync(path, before);
  });

  it('is gone on with by the same command, which drops half a line, and gives way to another once it is finished', async () => {
    const { code, stderr } = await runRadinHere([...args, '--budget', '6'], folder);
    expect(stderr).toMatch(
      /radin: warning: the last line of out\/journal\.jsonl was not written to its end, and its \d+ bytes are dropped/,
    );
    expect(stderr).toMatch(
      /radin: note: goes on with the unfinished run in out\/journal\.jsonl, which knows of \d+ soups\n/,
    );
    expect(code).toBe(0);
    expect(lines().at(-1)).toMatch(/^\{"record":"end"/);
    expect(readdirSync(join(folder, 'out'))).not.toContain('journal-logits');
    expect(await runRadinHere([...args, '--budget', '7'], folder)).toMatchObject({ code: 0 });
  });
});

it('a run that is refused before anything was evaluated leaves nothing', async () => {
  const folder = await commandPool();
  writeFileSync(join(folder, 'evaluate.mjs'), 'process.exit(3);\n');
  const { code } = await runRadinHere(['search', '.', '--out', 'out', '--no-cache'], folder);
  expect(code).toBe(2);
  expect(existsSync(join(folder, 'out'))).toBe(false);
});

it('one that is refused later keeps what was evaluated, without a cache too', async () => {
  const folder = await commandPool();
  const program = readFileSync(join(folder, 'evaluate.mjs'));
  // The fourth model's evaluation fails.
  writeFileSync(
    join(folder, 'evaluate.mjs'),
    `if (process.argv[3].endsWith('m03.safetensors')) process.exit(3);\n${program}`,
  );
  const args = ['search', '.', '--budget', '2', '--out', 'out', '--no-cache'];
  for (const _ of ['first', 'again']) expect(await runRadinHere(args, folder)).toMatchObject({ code: 2 });
  const failing = createHash('sha256')
    .update(readFileSync(join(folder, 'm03.safetensors')))
    .digest('hex');
  const [failed, finished] = [true, false].map((is) => log(folder).filter((line) => line.includes(failing) === is));
  // Twice in both runs: a program that fails is run again. Of the other models, in whatever order they came, none is evaluated twice.
  expect(failed).toHaveLength(4);
  expect(new Set(finished).size).toBe(finished?.length);
});

/** A pool whose program fails where the shell's `condition` holds. */
async function failingPool(condition: string): Promise<string> {
  const folder = await commandPool();
  const config = readFileSync(join(folder, 'radin.yaml'), 'utf8');
  writeFileSync(join(folder, 'radin.yaml'), config.replace('exec ', `if ${condition}; then exit 3; fi; exec `));
  return folder;
}

describe('a search', () => {
  const args = ['search', '.', '--budget', '3', '--out', 'out'];
  const isSoup = '[ $(basename $1) = weights.safetensors ]';
  const record = (folder: string) => readFileSync(join(folder, 'out', 'journal.jsonl'), 'utf8');

  it('that loses the evaluation of every soup writes the best single model, says how many and why, and ends with exit code 2', async () => {
    const folder = await failingPool(`[ $RADIN_SPLIT = validation ] && ${isSoup}`);
    const { code, stderr } = await runRadinHere(args, folder);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /radin: note: 3 soups have no score, since their evaluations were lost, the first one: .*\n/,
    );
    expect(stderr).toMatch(
      /\nradin: error: Expected a soup that can be evaluated but found that the evaluations of all 3 were lost, .*: exit code 3, .*\n$/,
    );
    const { best } = JSON.parse(readFileSync(join(folder, 'out', 'result.json'), 'utf8'));
    expect([best.models.length, best.testScore]).toEqual([1, expect.any(Number)]);
    expect(record(folder)).toMatch(/\{"record":"end".*\n$/);
  });

  it('whose choice is lost on the test split only leaves it without a test score, says why, and is finished', async () => {
    const folder = await failingPool(`[ $RADIN_SPLIT = test ] && ${isSoup}`);
    const { code, stdout, stderr } = await runRadinHere(args, folder);
    expect(code).toBe(2);
    expect(stderr).toMatch(/\nradin: error: Expected .* on the test split but found, 2 times: exit code 3, .*\n$/);
    expect(stdout).toContain('wrote out/soup.safetensors, out/result.json');
    const { best } = JSON.parse(readFileSync(join(folder, 'out', 'result.json'), 'utf8'));
    expect(best.models.length).toBeGreaterThan(1);
    expect(best).not.toHaveProperty('testScore');
    expect(record(folder)).toMatch(/\{"record":"end".*\n$/);
  });
});

describe('Ctrl-C', () => {
  it('ends a run within two seconds also where its program ignores every request to end, and says how to go on', async () => {
    const folder = await commandPool();
    const program = join(folder, 'stubborn.sh');
    writeFileSync(program, 'trap "" TERM INT; echo $$ > pid; while :; do sleep 1; done\n');
    writeConfig(folder, {
      graph: undefined,
      models: "'m*.safetensors'",
      evaluator: '{ command: [sh, stubborn.sh] }',
      validation: '{ labels: val_labels.npy }',
    });
    const out = "out of 'mine'";
    mkdirSync(join(folder, out));
    let asked = 0;
    const { code, stderr } = await runRadin(
      ['search', '.', '--no-cache', '--restart', '--out', out, '--budget', '3'],
      folder,
      async (child) => {
        while (!existsSync(join(folder, 'pid'))) await sleep(10);
        asked = performance.now();
        child.kill('SIGINT');
      },
    );
    expect(performance.now() - asked).toBeLessThan(2000);
    expect(code).toBe(130);
    const command = "radin search . --no-cache --out 'out of '\\''mine'\\''' --budget 3";
    expect(stderr.split('\n').slice(-3)).toEqual([
      'radin: interrupted before there was a result; none was written',
      `radin: to go on: ${command}`,
      '',
    ]);
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    // A shell makes the same words of it.
    const words = execFileSync('sh', ['-c', `printf '%s\\n' ${command}`], { encoding: 'utf8' });
    expect(words).toContain(`\n${out}\n`);
  });
});

it.skipIf(process.platform !== 'linux')('a run that is killed leaves no program behind, nor its files', async () => {
  const folder = await commandPool();
  writeFileSync(join(folder, 'slow.sh'), 'dirname "$RADIN_LOGITS" > place; echo $$ > pid; exec sleep 60\n');
  const config = readFileSync(join(folder, 'radin.yaml'), 'utf8');
  writeFileSync(join(folder, 'radin.yaml'), config.replace(/^evaluator:.*$/m, 'evaluator: { command: [sh, slow.sh] }'));
  await runRadin(['search', '.', '--no-cache', '--out', 'out'], folder, async (child) => {
    while (!existsSync(join(folder, 'pid'))) await sleep(10);
    child.kill('SIGKILL');
  });
  const read = (name: string) => readFileSync(join(folder, name), 'utf8').trim();
  await expect.poll(() => existsSync(read('place')), { timeout: 10_000 }).toBe(false);
  const stat = `/proc/${read('pid')}/stat`;
  // Where nobody waits for it, what is left of an ended process is a zombie.
  expect(['none', 'Z']).toContain(existsSync(stat) ? readFileSync(stat, 'utf8').split(' ')[2] : 'none');
});

it('a second process in the folder stops at once and names the first', async () => {
  const folder = newFolder();
  let first: ChildProcess | undefined;
  const running = runRadin(
    ['search', DIGITS, '--budget', '100000', '--candidates', '20000', '--out', 'out'],
    folder,
    (child) => {
      first = child;
    },
  );
  onTestFinished(() => void first?.kill('SIGKILL'));
  while (!existsSync(join(folder, 'out', 'journal.jsonl'))) await sleep(20);
  while (readFileSync(join(folder, 'out', 'journal.jsonl'), 'utf8').split('\n').length < 3) await sleep(20);
  const second = await runRadinHere(['compare', DIGITS, '--out', 'out', '--restart'], folder);
  expect(second.code).toBe(2);
  expect(second.stderr).toMatch(
    new RegExp(
      `^radin: error: Expected a run folder that no other process works in but found that process ${first?.pid} on .*, which began at .*, does: out/journal.jsonl\n$`,
    ),
  );
  first?.kill('SIGKILL');
  await running;
});
