import { spawnSync } from 'node:child_process';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BACKEND_NAMES, listBackends } from '@radin/core';
import { describe, expect, it } from 'vitest';
import { refusal } from './refusal.js';
import { radinJson, runRadin } from './run-radin.js';

describe('radin doctor', () => {
  it('lists every backend, available or with the reason, in aligned lines', async () => {
    const { code, stdout, stderr } = await runRadin(['doctor'], tmpdir());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.split('\n');
    const columns = listBackends().map(({ name, available, reason }) => {
      const line = lines.find((text) => text.startsWith(`  ${name} `)) ?? '';
      expect(line).toContain(available ? ' available' : `not available: ${reason}`);
      return line.search(/(not )?available/);
    });
    expect(new Set(columns).size).toBe(1);
    expect(stdout).toMatch(/^ {2}cpu +available, is cpu-\w+ here/m);
    expect(lines.filter((line) => line.endsWith(', taken by auto')).length).toBe(1);
    expect(stdout).toMatch(/^processor +\S/m);
  });

  it('tells the same as JSON', async () => {
    const found = await radinJson<Record<string, unknown>>(['doctor'], tmpdir());
    expect(found).toMatchObject({
      versions: { node: process.versions.node, onnxruntime: expect.stringMatching(/^\d+\.\d+/) },
      threads: availableParallelism(),
      addon: { exists: true, path: expect.stringMatching(/radin_native\.node$/) },
      auto: listBackends().find(({ available }) => available)?.name,
      backends: listBackends(),
    });
  });

  it('tells why there is no addon, and what is used instead', () => {
    const program = fileURLToPath(new URL('../bin/radin.js', import.meta.url));
    const nowhere = join(tmpdir(), 'radin-no-addon.node');
    const { status, stdout } = spawnSync(process.execPath, [program, 'doctor'], {
      encoding: 'utf8',
      env: { ...process.env, RADIN_NATIVE_ADDON: nowhere },
    });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^addon +.*radin-no-addon\.node \(not there\)$/m);
    expect(stdout).toMatch(/^ {2}cpu +not available: the addon has not been built/m);
    expect(stdout).toMatch(/^ {2}reference +available, taken by auto$/m);
  });
});

describe('--backend', () => {
  it.each(['search', 'average', 'score'])('names the backends in the help of %s', async (command) => {
    const { stdout } = await runRadin([command, '--help'], tmpdir());
    const words = stdout.replaceAll(/\s+/g, ' ');
    for (const name of BACKEND_NAMES) expect(words).toContain(name);
  });

  it('that this machine lacks is refused with the reason', async () => {
    const missing = listBackends().find(({ available }) => !available);
    // Every machine lacks some: no processor is both of Intel's and of ARM's kind.
    expect(await refusal(['search', '.', '--out', 'out', '--backend', missing?.name as string])).toContain(
      `Backend "${missing?.name}" is not available: ${missing?.reason}`,
    );
  });
});
