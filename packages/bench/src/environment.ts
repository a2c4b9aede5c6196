import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus, freemem, release, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { listBackends } from '@radin/native';
import type { Environment } from './result.js';

const CACHES = '/sys/devices/system/cpu/cpu0/cache';

export function describeEnvironment(peers: Readonly<Record<string, string>> | undefined): Environment {
  const native = listBackends().find(({ name, available }) => available && name.startsWith('cpu-'));
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    caches: caches(),
    memoryBytes: totalmem(),
    os: `${distribution()}${type()} ${release()}`,
    node: process.version,
    compiler: firstLine(process.env.CXX ?? 'c++', ['--version']) ?? 'unknown',
    backend: native?.name ?? 'reference',
    ...(peers && { peers }),
    commit: commit(),
  };
}

/** Gives back what this process no longer refers to: arrays of gigabytes are few objects, for which V8 is in no hurry. */
export function releaseMemory(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** Bytes that can be taken without swapping: on Linux with what the page cache would give back. */
export function availableMemory(): number {
  const found = /^MemAvailable: +(\d+) kB$/m.exec(readIfAny('/proc/meminfo'));
  return found === null ? freemem() : 1024 * Number(found[1]);
}

/** `amd-epyc-2-cores`, for file names. */
export function machineSlug({ cpu, cores }: Environment): string {
  return `${cpu} ${cores} cores`
    .toLowerCase()
    .replaceAll(/\((r|tm)\)/g, '')
    .replaceAll(/[^a-z0-9]+/g, '-');
}

/** Of one core, such as `L2 1024K`; none where the system does not say. */
function caches(): string[] {
  let folders: string[];
  try {
    folders = readdirSync(CACHES).filter((name) => /^index\d+$/.test(name));
  } catch {
    return [];
  }
  const read = (folder: string, name: string) => readIfAny(`${CACHES}/${folder}/${name}`).trim();
  return folders
    .filter((folder) => read(folder, 'type') !== 'Instruction')
    .map((folder) => `L${read(folder, 'level')} ${read(folder, 'size')}`)
    .sort();
}

function distribution(): string {
  const name = /^PRETTY_NAME="(.*)"$/m.exec(readIfAny('/etc/os-release'))?.[1];
  return name === undefined ? '' : `${name}, `;
}

function commit(): string {
  const here = fileURLToPath(new URL('.', import.meta.url));
  const head = firstLine('git', ['-C', here, 'rev-parse', '--short=12', 'HEAD']);
  if (head === undefined) return 'unknown';
  const changed = firstLine('git', ['-C', here, 'status', '--porcelain', '--untracked-files=no']) !== '';
  return changed ? `${head}+` : head;
}

function readIfAny(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function firstLine(command: string, args: readonly string[]): string | undefined {
  try {
    const output = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return output.split('\n', 1)[0] as string;
  } catch {
    return undefined;
  }
}
