import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCpuBackend } from '../lib/cpu.js';
import { BackendUnavailableError, listBackends, openBackend } from '../lib/index.js';
import { runModule } from './run-module.js';

describe('the registry', () => {
  it('lists the backends, the fastest first', () => {
    expect(listBackends()).toEqual([
      { name: 'cpu', available: true },
      { name: 'reference', available: true },
    ]);
  });

  it('opens each by its name and the first for auto', () => {
    expect(openBackend('cpu').name).toBe('cpu');
    expect(openBackend('reference').name).toBe('reference');
    expect(openBackend('auto').name).toBe('cpu');
  });

  it.each(['cuda', 'CPU', '', 'toString'])('refuses the unknown name %j instead of falling back', (name) => {
    expect(() => openBackend(name)).toThrow(BackendUnavailableError);
    expect(() => openBackend(name)).toThrow(`Backend "${name}" is not available: expected one of auto, cpu, reference`);
  });
});

describe('without the addon', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'radin-native-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('a forced cpu backend is refused with the reason, and auto takes the reference', () => {
    cpSync(fileURLToPath(new URL('../dist', import.meta.url)), join(folder, 'dist'), { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const output = runModule(`
      import { BackendUnavailableError, listBackends, openBackend } from ${JSON.stringify(pathToFileURL(join(folder, 'dist/index.js')))};
      let refusal;
      try { openBackend('cpu'); } catch (error) { refusal = error; }
      console.log(JSON.stringify({
        list: listBackends(),
        isRefused: refusal instanceof BackendUnavailableError,
        message: refusal.message,
        auto: openBackend('auto').name,
      }));
    `);
    const reason = 'the addon has not been built, which needs cmake and a C++17 compiler (GCC or Clang)';
    expect(JSON.parse(output)).toEqual({
      list: [
        { name: 'cpu', available: false, reason },
        { name: 'reference', available: true },
      ],
      isRefused: true,
      message: `Backend "cpu" is not available: ${reason}`,
      auto: 'reference',
    });
  });

  it('a file that is no addon is named as such in one line', () => {
    const path = join(folder, 'broken.node');
    writeFileSync(path, 'not a library');
    expect(() => openCpuBackend(path)).toThrow(/^the addon cannot be loaded: .+$/);
  });

  it('an addon of another build is refused', () => {
    mkdirSync(join(folder, 'addon'));
    writeFileSync(join(folder, 'addon/index.js'), 'module.exports = { bindingVersion: 0 };');
    expect(() => openCpuBackend(join(folder, 'addon'))).toThrow('binding 0, needed 1');
  });
});
