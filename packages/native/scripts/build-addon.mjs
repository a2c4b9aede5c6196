// Builds build/Release/radin_native.node. Where the tools are missing the package still works, with its slower `reference`
// backend, so that is a notice and not a failure; where they are there and the build fails, that is a failure.
//
// With --sanitize address|thread it builds build-sanitized/KIND/Release/radin_native.node, for test-sanitized.mjs.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const kind = parseArgs({ options: { sanitize: { type: 'string' } } }).values.sanitize;
if (kind !== undefined && kind !== 'address' && kind !== 'thread') {
  console.error(`Expected address or thread for --sanitize but found ${JSON.stringify(kind)}`);
  process.exit(2);
}
// Not inside build, which Nx keeps in its cache.
const build = join(root, ...(kind === undefined ? ['build'] : ['build-sanitized', kind]));

function isInstalled(tool) {
  return spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0;
}

function missingTools() {
  const compilers = process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++'];
  const missing = [];
  if (!isInstalled('cmake')) missing.push('cmake');
  if (!['ninja', 'make'].some(isInstalled)) missing.push('make or ninja');
  if (!compilers.some(isInstalled)) missing.push(`a C++ compiler (${compilers.join(' or ')})`);
  return missing;
}

// CMake writes absolute paths into its cache, so a folder that was copied or whose compiler has gone is of no use; and it
// does not look again for an nvcc that it has not found.
function isOfThisPlace(cacheFile) {
  const cache = readFileSync(cacheFile, 'utf8');
  const entry = (name) => cache.match(new RegExp(`^${name}:[A-Z]+=(.*)$`, 'm'))?.[1] ?? '';
  const home = entry('CMAKE_HOME_DIRECTORY');
  const nvcc = entry('CMAKE_CUDA_COMPILER');
  const isRight = nvcc.startsWith('/') ? existsSync(nvcc) : !isInstalled(process.env.CUDACXX || 'nvcc');
  const isHere = existsSync(home) && realpathSync(home) === realpathSync(root);
  return isHere && isRight && existsSync(entry('CMAKE_CXX_COMPILER'));
}

const missing = missingTools();
if (missing.length > 0) {
  console.error(
    `The native addon is not built: ${missing.join(' and ')} not found. RADIN will use its slower "reference" backend.`,
  );
  process.exit(kind === undefined ? 0 : 1);
}

const cacheFile = join(build, 'CMakeCache.txt');
if (existsSync(build) && !(existsSync(cacheFile) && isOfThisPlace(cacheFile))) {
  rmSync(build, { recursive: true, force: true });
}
const cmakeJs = join(createRequire(import.meta.url).resolve('cmake-js/package.json'), '..', 'bin', 'cmake-js');
const options = kind === undefined ? [] : [`--CDRADIN_SANITIZE=${kind}`];
const { status } = spawnSync(process.execPath, [cmakeJs, 'build', '--log-level', 'error', '--out', build, ...options], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(status ?? 1);
