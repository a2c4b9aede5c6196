import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { linearPool, writeConfig } from './pools.js';
import { DIGITS, runRadin } from './run-radin.js';
import { listing, newFolder } from './scratch.js';

const COMMANDS = [
  'search',
  'compare',
  'bench',
  'score',
  'average',
  'evaluate',
  'inspect',
  'report',
  'verify',
  'cache',
  'doctor',
  'demo',
];

/** Every command on a pool of two models, which has notices: there are no subsets to sample. */
const RUNS: readonly (readonly string[])[] = [
  ['search', '.', '--strategy', 'radin', '--out', 'out'],
  ['compare', '.', '--budgets', '1', '--out', 'out'],
  ['score', '--logits', 'val_logits_*.npy', '--labels', 'val_labels.npy'],
  ['average', 'models/a.safetensors', 'models/b.safetensors', '--out', 'soup.safetensors'],
  ['evaluate', '.', 'a'],
  ['inspect', '.'],
];

const folder = newFolder();
beforeAll(async () => {
  await linearPool({ models: 2, folder });
  for (const id of ['a', 'b']) {
    const { code } = await runRadin(['evaluate', '.', id, '--save-logits', `val_logits_${id}.npy`], folder);
    expect(code).toBe(0);
  }
});

/** A copy: runs at the same time must not write to the same place. */
function poolWithLogits(): string {
  const copy = newFolder();
  cpSync(folder, copy, { recursive: true });
  return copy;
}

describe.concurrent('radin', () => {
  it.each(RUNS)('%s prints one JSON object and nothing else to standard output with --json', async (...args) => {
    const { code, stdout, stderr } = await runRadin([...args, '--json'], poolWithLogits());
    expect(code).toBe(0);
    // No progress bar and no colours either, where nobody watches.
    expect(stderr).toMatch(/^(radin: note: [^\r%]*\n)*$/);
    expect(stderr).not.toContain('\x1b');
    expect(stdout).toMatch(/^\{.*\}\n$/);
    expect(JSON.parse(stdout)).toBeTypeOf('object');
  });

  it.each(RUNS.slice(0, 3))('%s gives notices on standard error, and none with --quiet', async (...args) => {
    const loud = await runRadin(args, poolWithLogits());
    const quiet = await runRadin([...args, '--quiet'], poolWithLogits());
    expect(loud.stderr).toMatch(/^(radin: note: .*\n)+$/);
    expect(quiet).toEqual({ code: 0, stderr: '', stdout: loud.stdout });
  });

  it.each(COMMANDS)('%s --help has an example', async (command) => {
    const { code, stdout, stderr } = await runRadin([command, '--help'], newFolder());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: radin ${command} `));
    expect(stdout).toMatch(new RegExp(`\nExample:\n  radin ${command}\\b`));
  });

  it.each([['--help'], ['help']])('%s lists every command', async (argument) => {
    const { code, stdout } = await runRadin([argument], newFolder());
    expect(code).toBe(0);
    const listed = [...(stdout.split('Commands:')[1] ?? '').matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name);
    expect(listed.slice(0, COMMANDS.length + 1)).toEqual([...COMMANDS, 'help']);
    expect(stdout).toContain('Example:');
  });

  it('alone shows how it is used', async () => {
    const { stdout, stderr } = await runRadin([], newFolder());
    expect(stdout + stderr).toContain('Usage: radin ');
    for (const command of COMMANDS) expect(stdout + stderr).toContain(`  ${command} `);
    expect(stdout + stderr).not.toContain('outputHelp');
  });

  it.each([['--version'], ['-V']])('%s prints its version', async (argument) => {
    expect(await runRadin([argument], newFolder())).toEqual({ code: 0, stdout: '0.1.0\n', stderr: '' });
  });

  it('shows where an error comes from with --debug, below the one line', async () => {
    const { code, stdout, stderr } = await runRadin(['inspect', 'nothing', '--debug'], newFolder());
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^radin: error: [^\n]*nothing\n.*\n +at /);
  });

  it('writes into radin-out where no folder is named, and replaces what an earlier run wrote', async () => {
    const { folder } = await linearPool({ models: 3 });
    const before = listing(folder);
    for (const budget of ['1', '2']) await runRadin(['search', '.', '--budget', budget], folder);
    const names = ['journal.jsonl', 'radin.lock.json', 'report.html', 'result.json', 'soup.safetensors'];
    const written = ['radin-out', ...names.map((name) => join('radin-out', name))];
    expect(listing(folder)).toEqual([...before, ...written].sort());
    // A page of earlier results beside these would be taken for theirs.
    await runRadin(['search', '.', '--budget', '3', '--no-report'], folder);
    const rest = written.filter((path) => !path.endsWith('report.html'));
    expect(listing(folder)).toEqual([...before, ...rest].sort());
  });

  it('writes nothing to the folder of the pool', async () => {
    const { folder } = await linearPool();
    writeConfig(folder);
    const before = listing(folder);
    const { code } = await runRadin(['search', folder], newFolder());
    expect(code).toBe(0);
    expect(listing(folder)).toEqual(before);
  });

  it('ends quietly when its reader has seen enough', async () => {
    const { code, stderr } = await runRadin(['inspect', DIGITS], newFolder(), ({ stdout }) => stdout?.destroy());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
