/** Real limits of the system: a full disk in memory, few descriptors, small files, little memory. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from './commands.mjs';
import { diedForMemory } from './failing-calls.mjs';

const PAGE = 4096;
const WRITING = [
  'average',
  'average-shards',
  'average-onnx',
  'average-folders',
  'evaluate',
  'search',
  'search-cached',
  'report',
];

function mount(...args) {
  return spawnSync('mount', args, { encoding: 'utf8' });
}

/** Whether this process may mount, or why not. */
export function mountRefusal(folder) {
  const place = join(folder, 'mount');
  mkdirSync(place);
  const { error, status, stderr } = mount('-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', place);
  if (error !== undefined || status !== 0) return (error?.message ?? stderr).trim();
  spawnSync('umount', [place]);
  return undefined;
}

/** The folder of the results, or of the cache, on a disk with so many free pages. */
export const fullDisk = {
  name: 'disk',
  needsShim: false,
  needsMount: true,
  async cases(_, names) {
    return names
      .filter((name) => WRITING.includes(name) && !COMMANDS[name].needsEarlier)
      .flatMap((name) =>
        (name === 'search-cached' ? ['out', 'cache', 'tmp'] : ['out']).flatMap((folder) =>
          [0, 1, 2, 3, 4, 6, 8, 12].map((pages) => ({
            name,
            id: `${folder}/${pages}`,
            run: (place) => fillDisk(place, name, folder, pages),
          })),
        ),
      );
  },
};

async function fillDisk(workplace, name, folder, pages) {
  await workplace.undisturbed(name, false);
  await workplace.reset(name, false);
  const place = join(workplace.folder, folder);
  mkdirSync(place, { recursive: true });
  // No size is no limit. The folder itself takes none.
  mount('-t', 'tmpfs', '-o', `size=${Math.max(1, pages) * PAGE},nr_inodes=${pages === 0 ? 1 : 1000}`, 'tmpfs', place);
  try {
    const outcome = await workplace.run(COMMANDS[name].args);
    mount('-o', 'remount,size=64m,nr_inodes=10000', place);
    return await workplace.judge(name, false, outcome);
  } finally {
    spawnSync('umount', [place]);
  }
}

/** `ulimit`: descriptors, bytes of a file, of addresses. */
export const limits = {
  name: 'limits',
  needsShim: false,
  async cases(workplace, names) {
    const starts = async (line) =>
      (await workplace.runAlone(['--version'], { shell: `${line}; exec "$@"` })).code === 0;
    const least = async (letter, step, most) => {
      for (let value = step; value < most; value += step) if (await starts(`ulimit -${letter} ${value}`)) return value;
      return most;
    };
    // Node takes so much for itself, and opens its modules together, sometimes more than at other times.
    const [descriptors, kibibytes] = [await least('n', 2, 64), await least('v', 100_000, 4_000_000)];
    const lines = [
      ...Array.from({ length: 20 }, (_, more) => `-n ${descriptors + 4 * more}`),
      ...[0, 1, 2, 4].map((blocks) => `-f ${blocks}`),
      ...Array.from({ length: 8 }, (_, more) => `-v ${kibibytes + 100_000 * more}`),
    ];
    return names
      .filter((name) => COMMANDS[name].needsEarlier !== true)
      .flatMap((name) =>
        lines.map((line) => ({
          name,
          id: line.replace(' ', '/'),
          run: (place) => limit(place, name, `ulimit ${line}`),
        })),
      );
  },
};

async function limit(workplace, name, line) {
  await workplace.undisturbed(name, false);
  await workplace.reset(name, false);
  const outcome = await workplace.runAlone(COMMANDS[name].args, { shell: `${line}; exec "$@"` });
  return workplace.judge(name, false, outcome, { killed: line.includes('-v') && diedForMemory(outcome) });
}
