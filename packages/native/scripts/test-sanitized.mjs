// Runs the tests of the native package against addons built with sanitizers: address and undefined behaviour, then threads.
// Fails on a failed test and on any report, also one from a process that a test started.
//
//   node scripts/test-sanitized.mjs [address|thread]… [-- COMMAND]
//
// A command takes the place of the tests.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const script = (name) => join(root, 'scripts', name);

// The tests that run C++: of the suites that test every backend not the one of TypeScript's, and no tests of scripts.
const ADDON_ONLY = ['--testNamePattern', '^(?!.*the reference backend)', '--exclude', '**/check-binding.test.ts'];

const WITHOUT_RANDOM_ADDRESSES = ['setarch', '-R'];

function isAllowed([command, ...args]) {
  return spawnSync(command, [...args, 'true']).status === 0;
}

const KINDS = {
  address: {
    runtime: 'libasan.so',
    // What Node keeps until its process ends is no leak of ours. A failed allocation must reach the code that handles it.
    environment: (log) => ({
      ASAN_OPTIONS: `detect_leaks=0:allocator_may_return_null=1:log_path=${log}`,
      UBSAN_OPTIONS: `print_stacktrace=1:log_path=${log}`,
    }),
    launcher: [],
    tests: ['packages/native/'],
  },
  thread: {
    runtime: 'libtsan.so',
    // Node and V8 are not compiled with it: accesses by their code, of whose synchronisation it sees a part, are not judged.
    environment: (log) => ({ TSAN_OPTIONS: `ignore_noninstrumented_modules=1:log_path=${log}` }),
    // Its memory layout allows fewer random bits of addresses than newer kernels use; where a sandbox forbids to switch them
    // off, it may still do without.
    launcher: isAllowed(WITHOUT_RANDOM_ADDRESSES) ? WITHOUT_RANDOM_ADDRESSES : [],
    // Those that share work among threads; the others take long under it and add no threads.
    tests: ['worker', 'binding-bank', 'same-bits', 'arguments'].map((name) => `packages/native/test/${name}.test.ts`),
  },
};

function libraryOf(name) {
  const compiler = process.env.CXX ?? 'g++';
  const path = execFileSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
  if (!isAbsolute(path)) throw new Error(`Expected GCC with ${name} for the sanitizers but found none in ${compiler}`);
  return path;
}

function build(kind) {
  const { status } = spawnSync(process.execPath, [script('build-addon.mjs'), '--sanitize', kind], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`the addon for the ${kind} sanitizer could not be built`);
  return join(root, 'build-sanitized', kind, 'Release', 'radin_native.node');
}

// Whether all tests, or the command, passed without a report.
function test(kind, instead) {
  const { runtime, environment, launcher, tests } = KINDS[kind];
  const addon = build(kind);
  const reports = mkdtempSync(join(tmpdir(), 'radin-sanitized-'));
  try {
    const vitest = join(root, '..', '..', 'node_modules', 'vitest', 'vitest.mjs');
    const all = [process.execPath, vitest, 'run', ...tests, ...ADDON_ONLY, '--testTimeout=300000'];
    const command = [...launcher, ...(instead ?? all)];
    const { status } = spawnSync(command[0], command.slice(1), {
      cwd: join(root, '..', '..'),
      stdio: 'inherit',
      env: {
        ...process.env,
        ...environment(join(reports, 'report')),
        // The C++ library too, because its functions are found before those that the runtime replaces otherwise.
        LD_PRELOAD: `${libraryOf(runtime)} ${libraryOf('libstdc++.so')}`,
        RADIN_NATIVE_ADDON: addon,
      },
    });
    const written = readdirSync(reports).map((name) => readFileSync(join(reports, name), 'utf8'));
    for (const text of written) process.stderr.write(`\n${text}\n`);
    process.stderr.write(
      `${kind} sanitizer: ${instead ? 'command' : 'tests'} ${status === 0 ? 'passed' : 'failed'}, ${written.length} reports\n`,
    );
    return status === 0 && written.length === 0;
  } finally {
    rmSync(reports, { recursive: true });
  }
}

const divider = process.argv.indexOf('--');
const asked = process.argv.slice(2, divider === -1 ? undefined : divider);
const command = divider === -1 ? undefined : process.argv.slice(divider + 1);
const unknown = asked.find((kind) => !Object.hasOwn(KINDS, kind));
if (unknown !== undefined) {
  console.error(`Expected address or thread but found ${JSON.stringify(unknown)}`);
  process.exit(2);
}
const passed = (asked.length === 0 ? Object.keys(KINDS) : asked).map((kind) => test(kind, command));
process.exit(passed.every(Boolean) ? 0 : 1);
