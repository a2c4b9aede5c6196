import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { loadAddon } from '../lib/addon.js';

/** Starts five seconds of work and more on another thread, and ends. */
const BUSY = `
import { pbkdf2 } from 'node:crypto';
import { endProcess } from '@radin/native';
process.on('exit', (code) => process.stdout.write('told of ' + code));
pbkdf2('', '', 2 ** 24, 64, 'sha512', () => {});
setTimeout(() => endProcess(130), 100);
`;

it('a process ends with its code while other threads work, after what listens for that', () => {
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', BUSY], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    timeout: 60_000,
  });
  // `process.exit` would have waited for the work.
  expect({ status, stdout }).toEqual({ status: 130, stdout: 'told of 130' });
});

it.each([-1, 256, 0.5])('%s is no exit code', (code) => {
  expect(() => loadAddon().endProcess(code)).toThrow(TypeError);
});
