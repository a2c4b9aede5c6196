import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type EvaluationRecord, Journal } from '../../src/journal/index.js';
import { temporaryFolder } from '../pools.js';

const folder = temporaryFolder();
const newFolder = () => mkdtempSync(join(folder, 'run-'));
const hash = (text: string) => createHash('sha256').update(text).digest('hex');

const FINGERPRINT = { command: 'search', budget: 25, models: { m00: hash('a'), m01: hash('b') } };

function evaluation(soup: string): EvaluationRecord {
  return {
    record: 'evaluation',
    soup: hash(soup),
    split: 'validation',
    models: ['m00', 'm01'],
    weights: [0.5, 0.5],
    samples: 8,
    part: hash('part'),
    score: 0.25,
    correct: 'Aw==',
  };
}

/** Opens and begins; closed after the test. */
async function begun(place: string, fingerprint = FINGERPRINT as object, restart = false, version = '1.0.0') {
  const journal = await Journal.open(place, { version, restart });
  onTestFinished(() => journal.close());
  const notices = await journal.begin(fingerprint as typeof FINGERPRINT).catch(async (error) => {
    await journal.close({ refused: true });
    throw error;
  });
  return { journal, notices };
}

/** A folder whose journal holds `soups` and, if asked for, an end. */
async function written(soups: readonly string[], finished = false): Promise<string> {
  const place = newFolder();
  const { journal } = await begun(place);
  for (const soup of soups) journal.append(evaluation(soup));
  if (finished) await journal.finish({ backend: 'cpu' });
  await journal.close();
  return place;
}

const bytesOf = (place: string) => readFileSync(join(place, 'journal.jsonl'));

it('gives back what was appended, whatever process appended it', async () => {
  const place = await written(['one', 'two']);
  const { journal, notices } = await begun(place);
  expect(notices).toEqual([
    `note: goes on with the unfinished run in ${join(place, 'journal.jsonl')}, which knows of 2 soups`,
  ]);
  expect(journal.recorded(hash('one'))).toEqual({ evaluations: [expect.objectContaining(evaluation('one'))] });
  expect(journal.recorded(hash('three'))).toEqual({ evaluations: [] });
});

it('a line that is torn at any byte is dropped with a warning, and what comes next is appended in its place', async () => {
  const place = await written(['one', 'two']);
  const whole = bytesOf(place);
  const last = whole.lastIndexOf(10, whole.length - 2) + 1;
  for (let end = last; end < whole.length; end++) {
    writeFileSync(join(place, 'journal.jsonl'), whole.subarray(0, end));
    const { journal, notices } = await begun(place);
    expect(notices.filter((line) => line.startsWith('warning: '))).toHaveLength(end === last ? 0 : 1);
    expect(journal.recorded(hash('one')).evaluations).toHaveLength(1);
    expect(journal.recorded(hash('two')).evaluations).toHaveLength(0);
    journal.append(evaluation('two'));
    await journal.close();
    const again = await begun(place);
    expect(again.notices.filter((line) => line.startsWith('warning: '))).toEqual([]);
    expect(again.journal.recorded(hash('two')).evaluations).toHaveLength(1);
    await again.journal.close();
  }
});

it('a bit that is flipped in any line but a newline at the end is refused with the line, and a restart begins anew', async () => {
  const place = await written(['one', 'two']);
  const whole = bytesOf(place);
  let line = 1;
  for (let at = 0; at < whole.length - 1; at++) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] as number) ^ (1 << (at % 8));
    writeFileSync(join(place, 'journal.jsonl'), damaged);
    const journal = await Journal.open(place, { version: '1.0.0' });
    const failure = await journal.begin(FINGERPRINT).catch((error: Error) => error.message);
    await journal.close({ refused: true });
    expect(failure).toMatch(
      // A newline that became another byte joins two lines, and one that is new divides one.
      new RegExp(`^Expected a line whose checksum is [0-9a-f]{16} but found .* in line ${line} of `),
    );
    expect(bytesOf(place)).toEqual(damaged);
    if (whole[at] === 10) line++;
  }
  const { journal } = await begun(place, FINGERPRINT, true);
  expect(journal.recorded(hash('one')).evaluations).toEqual([]);
});

describe('lines that are', () => {
  const lines = async () => {
    const place = await written(['one', 'two', 'three']);
    return { place, lines: bytesOf(place).toString().trimEnd().split('\n') };
  };
  it.each<[string, (lines: string[]) => string[]]>([
    ['left out', (lines) => lines.toSpliced(3, 1)],
    ['swapped', (lines) => lines.toSpliced(2, 2, lines[3] as string, lines[2] as string)],
    ['written twice', (lines) => lines.toSpliced(3, 0, lines[2] as string)],
    ['empty', (lines) => lines.toSpliced(3, 0, '')],
    ['of no journal', () => ['{"loss":0.1}']],
  ])('%s are refused', async (_, change) => {
    const { place, lines: all } = await lines();
    writeFileSync(join(place, 'journal.jsonl'), `${change(all).join('\n')}\n`);
    await expect(begun(place)).rejects.toThrow(/^Expected a line whose checksum is .* in line \d of /);
  });
});

describe('of an unfinished run, what differs is named:', () => {
  it.each<[string, object, string, string]>([
    [
      'an option',
      { ...FINGERPRINT, budget: 50 },
      '1.0.0',
      'Expected budget 25, as of the unfinished run in JOURNAL, but found 50',
    ],
    [
      'one more',
      { ...FINGERPRINT, explain: true },
      '1.0.0',
      'Expected explain none, as of the unfinished run in JOURNAL, but found true',
    ],
    [
      'one that is missing, and not what it changes',
      { holdout: 0.2, ...FINGERPRINT, models: { ...FINGERPRINT.models, m01: hash('c') } },
      '1.0.0',
      'Expected holdout none, as of the unfinished run in JOURNAL, but found 0.2',
    ],
    [
      'a model',
      { ...FINGERPRINT, models: { ...FINGERPRINT.models, m01: hash('c') } },
      '1.0.0',
      `Expected models m01 ${hash('b').slice(0, 12)}…, as of the unfinished run in JOURNAL, but found ${hash('c').slice(0, 12)}…`,
    ],
    [
      'a name of any length, cut',
      { ...FINGERPRINT, ['x'.repeat(5000)]: 1, y: 2 },
      '1.0.0',
      `Expected ${'x'.repeat(100)}… none, as of the unfinished run in JOURNAL, but found 1`,
    ],
    [
      'the version',
      FINGERPRINT,
      '1.0.1',
      'Expected radin "1.0.0", as of the unfinished run in JOURNAL, but found "1.0.1"',
    ],
  ])('%s', async (_, fingerprint, version, message) => {
    const place = await written(['one']);
    const before = bytesOf(place);
    const expected = `${message.replace('JOURNAL', join(place, 'journal.jsonl'))}: give the same options to go on, another --out, or --restart to begin anew`;
    await expect(begun(place, fingerprint, false, version)).rejects.toThrow(expected);
    expect(bytesOf(place)).toEqual(before);
    const { journal } = await begun(place, fingerprint, true, version);
    expect(journal.recorded(hash('one')).evaluations).toEqual([]);
  });

  it('a journal of another format is refused by its first line', async () => {
    const place = newFolder();
    const body = '{"record":"run","format":2,"radin":"9.0.0","fingerprint":{}';
    const check = hash(`${'0'.repeat(16)}${body}}`).slice(0, 16);
    writeFileSync(join(place, 'journal.jsonl'), `${body},"check":"${check}"}\n`);
    await expect(begun(place)).rejects.toThrow(
      'Expected a record of this version of radin but found run, format: 2 in line 1 of ',
    );
  });
});

it('a finished run is found again by the same fingerprint, and gives way to another one', async () => {
  const place = await written(['one'], true);
  const again = await begun(place);
  expect(again.notices).toEqual([]);
  expect(again.journal.recorded(hash('one')).evaluations).toHaveLength(1);
  await again.journal.close();
  const other = await begun(place, { ...FINGERPRINT, budget: 50 });
  expect(other.journal.recorded(hash('one')).evaluations).toEqual([]);
  await other.journal.close();
  expect(bytesOf(place).toString()).not.toContain('"end"');
});

it('another choice than that of an earlier process is refused', async () => {
  const place = newFolder();
  const first = await begun(place);
  await first.journal.choose({ models: ['m00'] });
  await first.journal.close();
  const second = await begun(place);
  await second.journal.choose({ models: ['m00'] });
  await expect(second.journal.choose({ models: ['m01'] })).rejects.toThrow('but found ["m01"]');
});

it('is removed with its folder where the run is refused before it has found anything, and kept otherwise', async () => {
  const place = join(newFolder(), 'out');
  const first = await begun(place);
  await first.journal.close({ refused: true });
  expect(existsSync(place)).toBe(false);
  mkdirSync(place);
  writeFileSync(join(place, 'mine.txt'), '');
  const second = await begun(place);
  await second.journal.close({ refused: true });
  expect(readdirSync(place)).toEqual(['mine.txt']);
  const third = await begun(place);
  third.journal.append(evaluation('one'));
  await third.journal.close({ refused: true });
  expect(readdirSync(place).sort()).toEqual(['journal.jsonl', 'mine.txt']);
});

it('a first line that is torn at any byte is begun anew, with a warning', async () => {
  const whole = bytesOf(await written([]));
  const place = newFolder();
  for (let end = 1; end < whole.indexOf(10); end++) {
    writeFileSync(join(place, 'journal.jsonl'), whole.subarray(0, end));
    const { journal, notices } = await begun(place);
    await journal.close();
    expect(notices).toEqual([expect.stringContaining(`not written to its end, and its ${end} bytes are dropped`)]);
    expect(bytesOf(place).indexOf(10)).toBe(whole.indexOf(10));
  }
});

it.each<[string, string | Uint8Array]>([
  ['text', 'My notes'],
  ['JSON', '{"record":"walk","miles":3}'],
  ['a list', '[1, 2, 3]'],
  ['bytes', Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0)],
  ['zeros', new Uint8Array(4096)],
])('%s without a line end in its place is refused, and stays', async (_, content) => {
  const place = newFolder();
  writeFileSync(join(place, 'journal.jsonl'), content);
  await expect(begun(place)).rejects.toThrow(
    /^Expected a run's journal but found something else in line 1 of .*: it was changed or damaged; another --out or --restart begins anew$/,
  );
  expect(bytesOf(place)).toEqual(Buffer.from(content));
});

it.each<[string, (mine: string, place: string) => void]>([
  ['a symbolic link', symlinkSync],
  ['a hard link', linkSync],
])('%s in its place is refused with and without a restart, and what it leads to stays', async (found, link) => {
  const [place, other] = [newFolder(), newFolder()];
  const mine = join(other, 'val_labels.npy');
  writeFileSync(mine, 'mine');
  link(mine, join(place, 'journal.jsonl'));
  for (const restart of [false, true]) {
    await expect(begun(place, FINGERPRINT, restart)).rejects.toThrow(
      `Expected a file of its own, which is written in place, but found ${found}: ${join(place, 'journal.jsonl')}`,
    );
  }
  expect(readFileSync(mine, 'utf8')).toBe('mine');
});

it('a pipe in its place is refused', async () => {
  const place = newFolder();
  execFileSync('mkfifo', [join(place, 'journal.jsonl')]);
  await expect(begun(place)).rejects.toThrow(/^Expected a regular file but found a pipe, socket or device: /);
});

describe('a second process', () => {
  const holder = fileURLToPath(new URL('./hold-journal.mjs', import.meta.url));

  it('is told of the first, and is let in when that was killed, whose children do not hold the lock', async () => {
    const place = newFolder();
    const child = spawn(process.execPath, [holder, place], { stdio: ['ignore', 'pipe', 'inherit'] });
    const grandchild = await new Promise<number>((resolve) =>
      child.stdout.once('data', (text) => resolve(Number(text))),
    );
    onTestFinished(() => {
      child.kill('SIGKILL');
      process.kill(grandchild, 'SIGKILL');
    });
    await expect(Journal.open(place, { version: '1.0.0' })).rejects.toThrow(
      new RegExp(
        `^Expected a run folder that no other process works in but found that process ${child.pid} on \\S+, which began at \\S+Z, does: ${join(place, 'journal.jsonl')}$`,
      ),
    );
    // Another folder is another run.
    await begun(newFolder());
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    await begun(place, { command: 'search', budget: 25 });
  });
});
