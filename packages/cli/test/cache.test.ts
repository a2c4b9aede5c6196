import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunRecord, SearchReport } from '@radin/core';
import { describe, expect, it } from 'vitest';
import { linearPool } from './pools.js';
import { DIGITS, radinJson, runRadin } from './run-radin.js';
import { newFolder } from './scratch.js';

/** A search of a pool and all that must not depend on the cache. */
async function search(pool: string, args: readonly string[], cwd = newFolder()) {
  const report = await radinJson<SearchReport & RunRecord>(
    ['search', pool, ...args, '--no-report', '--out', 'out'],
    cwd,
  );
  return { reused: report.reused, fixed: fixed(cwd) };
}

/** All that a search wrote. */
function fixed(folder: string): string {
  return (
    readFileSync(join(folder, 'out', 'result.json'), 'utf8') +
    readFileSync(join(folder, 'out', 'soup.safetensors'), 'hex')
  );
}

const entriesOf = (cache: string) => readdirSync(join(cache, 'entries')).filter((name) => name.endsWith('.entry'));

describe('a search with a cache', () => {
  it('writes the same bytes cold, warm and without one, and says what it remembered', async () => {
    const { folder } = await linearPool({ models: 5 });
    const cache = newFolder();
    const without = await search(folder, ['--budget', '4', '--no-cache']);
    const cold = await search(folder, ['--budget', '4', '--cache', cache]);
    const warm = await search(folder, ['--budget', '4', '--cache', cache]);
    expect([cold.fixed, warm.fixed]).toEqual([without.fixed, without.fixed]);
    const none = { models: 0, evaluations: 0 };
    expect([without.reused, cold.reused, warm.reused]).toEqual([none, none, { models: 5, evaluations: 4 }]);
    const { stdout } = await runRadin(
      ['search', folder, '--budget', '5', '--cache', cache, '--no-report', '--out', 'out'],
      newFolder(),
    );
    expect(stdout).toMatch(
      /\n5 of \d+ candidates evaluated; .*\nremembered .*: the logits of 5 models, the evaluations of 4 soups\n/,
    );
  });

  it('killed at any moment and run again, writes the bytes of an undisturbed run', async () => {
    const options = ['--budget', '6'];
    const undisturbed = await search(DIGITS, [...options, '--no-cache']);
    const cache = newFolder();
    const cwd = newFolder();
    // As logits are computed, and as soups are evaluated: there are 16 entries of logits.
    for (const entries of [5, 18, 20]) {
      const { code } = await runRadin(
        ['search', DIGITS, ...options, '--cache', cache, '--no-report', '--out', 'out'],
        cwd,
        (child) => {
          const timer = setInterval(() => {
            if (existsSync(join(cache, 'entries')) && entriesOf(cache).length >= entries) child.kill('SIGKILL');
          }, 1);
          child.on('exit', () => clearInterval(timer));
        },
      );
      expect(code).toBeNull();
    }
    const again = await search(DIGITS, [...options, '--cache', cache], cwd);
    expect(again.fixed).toBe(undisturbed.fixed);
    expect((await runRadin(['cache', 'verify', '--cache', cache], cwd)).code).toBe(0);
    expect((await search(DIGITS, [...options, '--cache', cache], cwd)).reused).toEqual({ models: 16, evaluations: 6 });
  });

  it('shares it with another at the same time', async () => {
    const { folder } = await linearPool({ models: 6 });
    const cache = newFolder();
    const options = ['--strategy', 'radin', '--budget', '20'];
    const [without, ...both] = await Promise.all([
      search(folder, [...options, '--no-cache']),
      ...[1, 2, 3].map(() => search(folder, [...options, '--cache', cache])),
    ]);
    for (const one of both) expect(one.fixed).toBe(without.fixed);
    expect((await runRadin(['cache', 'verify', '--cache', cache], folder)).code).toBe(0);
  });
});

it('compare and evaluate use the same logits, and write the same', async () => {
  const { folder } = await linearPool({ models: 4 });
  const cache = newFolder();
  const evaluate = (...args: string[]) =>
    radinJson<{ reused: boolean }>(['evaluate', folder, 'a', '--save-logits', 'a.npy', ...args], folder);
  const { reused: cold, ...first } = await evaluate('--cache', cache);
  const logits = readFileSync(join(folder, 'a.npy'));
  const { reused: warm, ...second } = await evaluate('--cache', cache);
  expect([cold, warm, second]).toEqual([false, true, first]);
  expect(readFileSync(join(folder, 'a.npy'))).toEqual(logits);
  const compare = async (...args: string[]) => {
    // A folder for each: a run in that of a finished one would find its evaluations there.
    const report = ['compare', folder, '--budgets', '1,3', '--no-report', '--out', newFolder(), ...args];
    return radinJson<{ reused: unknown; rows: unknown }>(report, folder);
  };
  const without = await compare('--no-cache');
  const first3 = await compare('--cache', cache);
  const again = await compare('--cache', cache);
  expect(first3.reused).toEqual({ models: 1, evaluations: 0 });
  expect(again.reused).toEqual({ models: 4, evaluations: expect.any(Number) });
  expect([first3.rows, again.rows]).toEqual([without.rows, without.rows]);
});

describe('the folder', () => {
  const run = async (args: readonly string[], environment: NodeJS.ProcessEnv) => {
    const { folder } = await linearPool({ models: 3 });
    return runRadin(
      ['search', folder, '--budget', '1', '--no-report', '--out', 'out', ...args],
      newFolder(),
      () => {},
      environment,
    );
  };

  it('is the one of --cache, $RADIN_CACHE_DIR, $XDG_CACHE_HOME and the home folder, the first that is there', async () => {
    const [flag, own, shared, home] = [newFolder(), newFolder(), newFolder(), newFolder()];
    const environment = { RADIN_CACHE_DIR: own, XDG_CACHE_HOME: shared, HOME: home };
    expect((await run(['--no-cache'], environment)).code).toBe(0);
    for (const folder of [flag, own, shared, home]) expect(readdirSync(folder)).toEqual([]);
    await run(['--cache', flag], environment);
    expect([entriesOf(flag).length > 0, readdirSync(own)]).toEqual([true, []]);
    await run([], environment);
    expect([entriesOf(own).length > 0, readdirSync(shared)]).toEqual([true, []]);
    await run([], { ...environment, RADIN_CACHE_DIR: '' });
    expect([entriesOf(join(shared, 'radin')).length > 0, readdirSync(home)]).toEqual([true, []]);
    await run([], { ...environment, RADIN_CACHE_DIR: '', XDG_CACHE_HOME: 'relative' });
    expect(entriesOf(join(home, '.cache/radin')).length).toBeGreaterThan(0);
  });

  it('that cannot be used is an error where it was named and a notice where it was not', async () => {
    const file = join(newFolder(), 'file');
    writeFileSync(file, '');
    const refused = /^radin: error: Expected to write to the cache folder .*file\/c.* but found: not a directory .*\n$/;
    for (const named of [
      await run(['--cache', join(file, 'c')], {}),
      await run([], { RADIN_CACHE_DIR: `${file}/c` }),
    ]) {
      expect(named).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(refused) });
    }
    const usual = await run([], { RADIN_CACHE_DIR: '', XDG_CACHE_HOME: file });
    expect(usual.code).toBe(0);
    expect(usual.stderr).toMatch(/^radin: note: results are not kept for later runs: Expected to write .*\n$/);
  });

  it.skipIf(process.platform !== 'linux')('whose disk fails costs a notice and no result', async () => {
    const { folder } = await linearPool({ models: 3 });
    const failing = newFolder();
    // Can be listed, and takes no files, whoever asks.
    symlinkSync('/proc/self', join(failing, 'entries'));
    const { code, stderr } = await runRadin(
      ['search', folder, '--budget', '2', '--cache', failing, '--out', 'out'],
      newFolder(),
    );
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^radin: note: results are not kept for later runs from here on: Expected .*\n$/),
    });
  });
});

describe('radin cache', () => {
  it('lists, verifies and prunes', async () => {
    const { folder } = await linearPool({ models: 3, test: false });
    const cache = newFolder();
    const radin = (...args: string[]) => runRadin(['cache', ...args, '--cache', cache], folder);
    expect((await radin('ls')).stdout).toBe(`${cache}\n  all         0 entries, 0 bytes\n`);
    await search(folder, ['--budget', '2', '--cache', cache]);
    const listed = await radinJson<{ count: number; bytes: number; entries: { kind: string; bytes: number }[] }>(
      ['cache', 'ls', '--cache', cache],
      folder,
    );
    const kinds = listed.entries.map(({ kind }) => kind).sort();
    expect(kinds).toEqual([...Array(2).fill('evaluations'), ...Array(3).fill('logits')]);
    expect(listed.bytes).toBe(listed.entries.reduce((sum, { bytes }) => sum + bytes, 0));
    expect((await radin('ls')).stdout).toMatch(
      / {2}logits {6}3 entries, \d+ bytes\n {2}all {9}5 entries, \d+ bytes\n$/,
    );
    expect(await radin('verify')).toEqual({ code: 0, stdout: `5 sound entries in ${cache}\n`, stderr: '' });

    const [name] = entriesOf(cache) as [string];
    const path = join(cache, 'entries', name);
    writeFileSync(path, readFileSync(path).subarray(1));
    const { code, stdout, stderr } = await radin('verify');
    expect({ code, stdout }).toEqual({
      code: 2,
      stdout: `damaged, removed: ${name.slice(0, 64)}\n4 sound entries in ${cache}\n`,
    });
    expect(stderr).toMatch(
      /^radin: error: Expected sound entries only but found 1 damaged ones, now removed, in .*\n$/,
    );
    expect((await radin('verify')).code).toBe(0);

    expect((await radin('prune', '--older-than', '1', '--max-size', '1GiB')).stdout).toMatch(/^removed 0 entries/);
    expect((await radin('prune', '--max-size', '0')).stdout).toMatch(/^removed 4 entries, \d+ bytes, from /);
    expect(entriesOf(cache)).toEqual([]);
  });

  it.each([
    ['prune without a limit', ['prune'], /Expected --older-than or --max-size .*found neither/],
    ['a size that is none', ['prune', '--max-size', 'much'], /--max-size .*500M, 20GB or 4GiB but found "much"/],
    ['an age that is none', ['prune', '--older-than', '-1d'], /--older-than .*found "-1d"/],
    ['an unknown command', ['clear'], /unknown command|'clear'/],
  ])('refuses %s', async (_, args, message) => {
    const { code, stdout, stderr } = await runRadin(['cache', ...args], newFolder());
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
  });
});
