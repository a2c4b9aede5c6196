import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { RadinError, type RadinErrorCode } from '../../src/errors/index.js';

/** A path in a folder of its own that is removed after the test. */
export function scratch(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'radin-formats-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, name);
}

/** The error of a call that must be refused: a RadinError of one line. */
export async function refusal(call: Promise<unknown>, code: RadinErrorCode): Promise<string> {
  const error = await call.then(
    () => new Error('nothing was thrown'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RadinError)) throw error;
  if (error.code !== code) throw new Error(`Expected the code ${code} but found ${error.code}: ${error.message}`);
  if (/\p{Cc}/u.test(error.message)) throw new Error(`Expected one line but found ${JSON.stringify(error.message)}`);
  return error.message;
}

/** A Python with NumPy to check against, if this machine has one. */
export const python = ['python3', '/usr/bin/python3'].find(
  (command) => spawnSync(command, ['-c', 'import numpy']).status === 0,
);

/** What a Python program prints. */
export function runPython(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(python ?? '', ['-c', program, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout.trim();
}
