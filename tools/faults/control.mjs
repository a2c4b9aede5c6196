/** The shim that fails calls of the C library, and the page by which it is told what to fail. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** As in shim.c. */
const KINDS = [
  ...[
    'OPEN',
    'CREATE',
    'READ',
    'WRITE',
    'SYNC',
    'TRUNCATE',
    'RENAME',
    'UNLINK',
    'MAKE',
    'LINK',
    'MAP',
    'CLOSE',
    'LIST',
  ],
  ...['STATUS', 'TIMES', 'SPACE', 'ALLOCATE'],
];
const MODES = { nothing: 0, fail: 1, short: 2, 'kill-before': 3, 'kill-after': 4, stop: 5 };
const ROLES = ['main', 'child'];
const NUMBERS = 14;
const PATH_AT = 4 * NUMBERS;
const PATH_BYTES = 256;
const FOLDERS_AT = PATH_AT + PATH_BYTES;
const FOLDERS_BYTES = 2048;
const TRACE_AT = FOLDERS_AT + FOLDERS_BYTES;
const TRACED = 65536;
const PAGE_BYTES = TRACE_AT + ROLES.length * TRACED;
/** More calls than a process makes. */
const ALL_LATER = 2 ** 30;

const WRITING = ['CREATE', 'WRITE', 'SYNC', 'TRUNCATE', 'RENAME', 'MAKE', 'LINK'];
const EVERY = KINDS.filter((kind) => kind !== 'ALLOCATE');

/**
 * What can go wrong with a call: the kinds of calls that it is about, and how many fail from the chosen one on. A disk that is full
 * stays full, and a process without descriptors has none left; the others happen once.
 */
export const FAULTS = {
  EIO: { mode: 'fail', error: 'EIO', kinds: EVERY, repeat: 1 },
  ENOSPC: { mode: 'fail', error: 'ENOSPC', kinds: WRITING, repeat: 1 },
  'ENOSPC-stays': {
    mode: 'fail',
    error: 'ENOSPC',
    kinds: WRITING.filter((kind) => kind !== 'RENAME'),
    repeat: ALL_LATER,
  },
  EMFILE: { mode: 'fail', error: 'EMFILE', kinds: ['OPEN', 'CREATE', 'LIST'], repeat: 1 },
  'EMFILE-stays': { mode: 'fail', error: 'EMFILE', kinds: ['OPEN', 'CREATE', 'LIST'], repeat: ALL_LATER },
  EINTR: { mode: 'fail', error: 'EINTR', kinds: ['READ', 'WRITE', 'CLOSE'], repeat: 1 },
  short: { mode: 'short', kinds: ['READ', 'WRITE'], repeat: 1 },
  'kill-before': { mode: 'kill-before', kinds: EVERY, repeat: 1 },
  'kill-after': { mode: 'kill-after', kinds: EVERY, repeat: 1 },
  stop: { mode: 'stop', kinds: EVERY, repeat: 1 },
  // V8 tries again after it has collected what nobody uses.
  ENOMEM: { mode: 'fail', error: 'ENOMEM', kinds: ['ALLOCATE'], repeat: 4 },
};

/** Compiles the shim. @returns its path, or why there is none */
export function compileShim(folder) {
  if (process.platform !== 'linux') return { missing: 'LD_PRELOAD is of Linux' };
  const library = join(folder, 'shim.so');
  const source = fileURLToPath(new URL('shim.c', import.meta.url));
  const built = spawnSync('cc', ['-O1', '-fPIC', '-shared', '-o', library, source, '-ldl'], { encoding: 'utf8' });
  if (built.error !== undefined) return { missing: `there is no C compiler (cc: ${built.error.code})` };
  if (built.status !== 0) return { missing: `cc cannot compile the shim: ${built.stderr.split('\n')[0]}` };
  const env = { ...process.env, LD_PRELOAD: library };
  const tried = spawnSync(process.execPath, ['-e', ''], { env, encoding: 'utf8' });
  return tried.status === 0 && tried.stderr === '' ? { library } : { missing: 'LD_PRELOAD does not work here' };
}

/** The page of one process and its children. */
export class Control {
  #fd;
  #page;

  /** @param folders those whose paths count, as beginnings of paths */
  constructor(path, library, folders) {
    this.environment = {
      LD_PRELOAD: library,
      RADIN_FAULTS_PAGE: path,
      RADIN_FAULTS_LIBRARY: library,
      UV_USE_IO_URING: '0',
    };
    this.#fd = openSync(path, 'w+');
    this.#page = new Uint8Array(PAGE_BYTES);
    new TextEncoder().encodeInto(folders.join('\n'), this.#page.subarray(FOLDERS_AT, TRACE_AT - 1));
    this.disarm();
  }

  /** Only counts. @param leastBytes of memory that counts; 0: none */
  disarm(leastBytes = 0) {
    this.#write({ mode: MODES.nothing, leastBytes });
  }

  /** Makes calls fail from number `first` of the role on. */
  arm(fault, role, first, leastBytes = 0) {
    const { mode, error, kinds, repeat } = FAULTS[fault];
    this.#write({
      mode: MODES[mode],
      role: ROLES.indexOf(role),
      space: kinds.includes('ALLOCATE') ? 1 : 0,
      first,
      repeat,
      error: error === undefined ? 0 : constants.errno[error],
      kinds: kinds.reduce((mask, kind) => mask | (1 << KINDS.indexOf(kind)), 0),
      leastBytes,
    });
  }

  /** What has happened since it was armed: the kind and path of the call that failed; undefined where none did. */
  fired() {
    const numbers = this.#read();
    if (numbers[8] === 0) return undefined;
    const path = this.#page.subarray(PATH_AT, FOLDERS_AT);
    const text = new TextDecoder().decode(path.subarray(0, Math.max(0, path.indexOf(0))));
    return { kind: KINDS[numbers[9]], path: text };
  }

  /** Kinds of the calls that a role has made since, in their order. */
  trace(role) {
    const numbers = this.#read();
    const at = ROLES.indexOf(role);
    const start = TRACE_AT + at * TRACED;
    return [...this.#page.subarray(start, start + Math.min(numbers[10 + 2 * at], TRACED))].map((kind) => KINDS[kind]);
  }

  /** How many pieces of memory a role has asked for. */
  allocations(role) {
    return this.#read()[11 + 2 * ROLES.indexOf(role)];
  }

  close() {
    closeSync(this.#fd);
  }

  #read() {
    readSync(this.#fd, this.#page, 0, PAGE_BYTES, 0);
    return new Int32Array(this.#page.buffer, 0, NUMBERS);
  }

  #write({ mode, role = 0, space = 0, first = 0, repeat = 0, error = 0, kinds = 0, leastBytes = 0 }) {
    this.#page.fill(0, 0, FOLDERS_AT);
    new Int32Array(this.#page.buffer, 0, NUMBERS).set([mode, role, space, first, repeat, error, kinds, leastBytes]);
    writeSync(this.#fd, this.#page, 0, PAGE_BYTES, 0);
  }
}
