import { existsSync, readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, freemem, release, totalmem, type } from 'node:os';
import { ADDON_PATH, type BackendStatus, listBackends } from '@radin/core';
import type { Command } from 'commander';
import { type CommonOptions, withCommonOptions } from '../options/common-options.js';
import type { CommandContext } from '../run/run-context.js';
import { VERSIONS } from '../versions.js';

/** Of what a processor lists, what the kernels are written for. */
const INSTRUCTION_SETS = ['sse2', 'avx', 'avx2', 'f16c', 'avx512f', 'avx512bw', 'avx512dq', 'avx512vl', 'asimd'];

interface Diagnosis {
  readonly versions: Readonly<Record<string, string>>;
  readonly system: string;
  readonly processor: {
    readonly model: string;
    readonly cores: number;
    /** Absent where the system does not list them. */
    readonly instructionSets?: readonly string[];
  };
  /** What `--threads` is by default. */
  readonly threads: number;
  readonly memory: { readonly bytes: number; readonly freeBytes: number };
  readonly addon: { readonly path: string; readonly exists: boolean };
  /** What `--backend auto` takes. */
  readonly auto: string;
  readonly backends: readonly BackendStatus[];
}

export function addDoctor(command: Command, context: CommandContext): void {
  withCommonOptions(command)
    .addHelpText('after', '\nExample:\n  radin doctor')
    .action(({ json }: CommonOptions) => {
      const diagnosis = diagnose();
      if (json) context.printJson(diagnosis);
      else context.print(diagnosisText(diagnosis));
    });
}

function diagnose(): Diagnosis {
  const backends = listBackends();
  const sets = instructionSets();
  return {
    versions: VERSIONS,
    system: `${type()} ${release()}, ${arch()}`,
    processor: {
      model: cpus()[0]?.model.trim() ?? 'unknown',
      cores: cpus().length,
      ...(sets && { instructionSets: sets }),
    },
    threads: availableParallelism(),
    memory: { bytes: totalmem(), freeBytes: freemem() },
    addon: { path: ADDON_PATH, exists: existsSync(ADDON_PATH) },
    auto: backends.find(({ available }) => available)?.name ?? 'none',
    backends,
  };
}

/** In Linux's words; undefined on other systems. */
function instructionSets(): string[] | undefined {
  let listed: string | undefined;
  try {
    listed = /^(?:flags|Features)\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
  } catch {
    // Another system, or one that hides it.
  }
  const flags = listed?.split(' ');
  return flags && INSTRUCTION_SETS.filter((name) => flags.includes(name));
}

function diagnosisText({ versions, system, processor, threads, memory, addon, auto, backends }: Diagnosis): string {
  const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  const facts: [string, string][] = [
    ...Object.entries(versions),
    ['system', system],
    ['processor', `${processor.model}, ${processor.cores} ${processor.cores === 1 ? 'core' : 'cores'}`],
    ...(processor.instructionSets
      ? [['instruction sets', processor.instructionSets.join(' ')] as [string, string]]
      : []),
    ['threads', String(threads)],
    ['memory', `${gibibytes(memory.bytes)}, ${gibibytes(memory.freeBytes)} free`],
    ['addon', addon.exists ? addon.path : `${addon.path} (not there)`],
  ];
  // `cpu` runs the kernels of the first of its instruction sets that is available.
  const fastest = backends.find(({ name, available }) => available && name.startsWith('cpu-'));
  const states = backends.map(({ name, available, reason }): [string, string] => {
    const notes = [
      ...(name === 'cpu' && available && fastest ? [`is ${fastest.name} here`] : []),
      ...(name === auto ? ['taken by auto'] : []),
    ];
    return [name, available ? ['available', ...notes].join(', ') : `not available: ${reason}`];
  });
  return [...aligned(facts), '', 'backends', ...aligned(states).map((line) => `  ${line}`)].join('\n');
}

/** Texts of any length after names of one width. */
function aligned(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `${name.padEnd(width)}  ${text}`);
}
