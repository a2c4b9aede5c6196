import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadAddon } from '../lib/addon.js';
import { BackendUnavailableError, listBackends, openBackend } from '../lib/index.js';
import { runModule } from './run-module.js';

describe('the registry', () => {
  it('lists the backends in the order of auto’s preference', () => {
    const listed = listBackends();
    expect(listed.map(({ name }) => name).slice(0, 2)).toEqual(['cpu', 'cuda']);
    expect(listed[0]).toEqual({ name: 'cpu', available: true });
    expect(listed.at(-1)).toEqual({ name: 'reference', available: true });
    for (const { available, reason } of listed) expect(reason === undefined).toBe(available);
    const sets = listed.filter(({ name }) => name.startsWith('cpu-'));
    expect(sets.some(({ available }) => available)).toBe(true);
  });

  it('opens each by its name and the first that is available for auto', () => {
    expect(openBackend('cpu').name).toBe('cpu');
    expect(openBackend('reference').name).toBe('reference');
    expect(openBackend('auto').name).toBe(listBackends().find(({ available }) => available)?.name);
  });

  it('has cuda, or says in one line why not', () => {
    const cuda = listBackends().find(({ name }) => name === 'cuda');
    if (cuda?.available) {
      expect(openBackend('cuda').name).toBe('cuda');
    } else {
      expect(cuda?.reason).toMatch(/^.{10,200}$/);
      expect(() => openBackend('cuda')).toThrow(new BackendUnavailableError('cuda', cuda?.reason as string));
    }
  });

  it.each([
    ['there is none', 'missing.so', /^this build has no CUDA library: nvcc was not found when it was built$/],
    ['it is no library', 'package.json', /^the CUDA library cannot be loaded: .+$/],
    ['it is another library', 'build/Release/radin_native.node', /^the CUDA library is of another build: build again$/],
  ])('says that it cannot load the CUDA library where %s', (_, file, reason) => {
    const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
    const output = runModule(`
      process.env.RADIN_CUDA_LIBRARY = ${JSON.stringify(path)};
      const { listBackends, openBackend } = await import(${JSON.stringify(new URL('../dist/index.js', import.meta.url))});
      console.log(JSON.stringify([listBackends()[1], openBackend('auto').name]));
    `);
    const [cuda, auto] = JSON.parse(output);
    expect(cuda).toMatchObject({ name: 'cuda', available: false, reason: expect.stringMatching(reason) });
    expect(auto).toBe('cpu');
  });

  it.each(['gpu', 'CPU', '', 'toString'])('refuses the unknown name %j instead of falling back', (name) => {
    expect(() => openBackend(name)).toThrow(BackendUnavailableError);
    expect(() => openBackend(name)).toThrow(`Backend "${name}" is not available: expected one of auto, `);
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
    const output = runModule(
      `
      import { BackendUnavailableError, listBackends, openBackend } from ${JSON.stringify(pathToFileURL(join(folder, 'dist/index.js')))};
      let refusal;
      try { openBackend('cpu'); } catch (error) { refusal = error; }
      console.log(JSON.stringify({
        list: listBackends(),
        isRefused: refusal instanceof BackendUnavailableError,
        message: refusal.message,
        auto: openBackend('auto').name,
      }));
    `,
      { RADIN_NATIVE_ADDON: '' },
    );
    const reason = 'the addon has not been built, which needs cmake and a C++17 compiler (GCC or Clang)';
    expect(JSON.parse(output)).toEqual({
      list: listBackends().map(({ name }) =>
        name === 'reference' ? { name, available: true } : { name, available: false, reason },
      ),
      isRefused: true,
      message: `Backend "cpu" is not available: ${reason}`,
      auto: 'reference',
    });
  });

  it('a file that is no addon is named as such in one line', () => {
    const path = join(folder, 'broken.node');
    writeFileSync(path, 'not a library');
    expect(() => loadAddon(path)).toThrow(/^the addon cannot be loaded: .+$/);
  });

  it('an addon of another build is refused', () => {
    mkdirSync(join(folder, 'addon'));
    writeFileSync(join(folder, 'addon/index.js'), 'module.exports = { bindingVersion: 0 };');
    expect(() => loadAddon(join(folder, 'addon'))).toThrow('binding 0, needed');
  });
});
