/** Entries of the cache that are flipped, cut, exchanged or replaced by what is no file. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from './commands.mjs';

const DAMAGES = {
  flipped: (path, _, random) => {
    const bytes = readFileSync(path);
    bytes[random.uint32() % bytes.length] ^= 1 << (random.uint32() % 8);
    writeFileSync(path, bytes);
  },
  cut: (path, _, random) => {
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, random.uint32() % bytes.length));
  },
  longer: (path) => writeFileSync(path, 'more', { flag: 'a' }),
  exchanged: (path, other) => {
    renameSync(path, `${path}.kept`);
    renameSync(other, path);
    renameSync(`${path}.kept`, other);
  },
  folder: (path) => {
    rmSync(path);
    mkdirSync(path);
  },
  'full folder': (path) => {
    rmSync(path);
    mkdirSync(join(path, 'more'), { recursive: true });
  },
  pipe: (path) => {
    rmSync(path);
    spawnSync('mkfifo', [path]);
  },
  link: (path, other) => {
    rmSync(path);
    symlinkSync(other, path);
  },
  dangling: (path) => {
    rmSync(path);
    symlinkSync('/nowhere/at/all', path);
  },
};
/** Commands whose cache is filled by themselves. */
const CACHED = ['search-cached', 'search-race', 'search-external-cached', 'compare'];

export const damagedCache = {
  name: 'cache',
  needsShim: false,
  async cases(workplace, names) {
    const cases = [];
    for (const name of names.filter((one) => CACHED.includes(one))) {
      const entries = readdirSync(join(await workplace.filledCache(name), 'entries')).sort();
      for (const damage of Object.keys(DAMAGES)) {
        for (const which of [...entries.keys(), 'all']) {
          cases.push({
            name,
            id: `${damage}/${which}`,
            run: (place, random) => damageEntries(place, name, damage, which, random),
          });
        }
      }
    }
    return cases;
  },
};

async function damageEntries(workplace, name, damage, which, random) {
  const { args } = COMMANDS[name];
  await workplace.undisturbed(name, false);
  const filled = await workplace.filledCache(name);
  await workplace.reset(name, false);
  const cache = join(workplace.folder, 'cache');
  cpSync(filled, cache, { recursive: true });
  const folder = join(cache, 'entries');
  const entries = readdirSync(folder).sort();
  const chosen = which === 'all' ? entries : [entries[which]];
  for (const entry of chosen) {
    const others = entries.filter((one) => one !== entry);
    DAMAGES[damage](join(folder, entry), join(folder, others[random.uint32() % others.length]), random);
  }
  const wrong = await workplace.judge(name, false, await workplace.run(args));
  return [...wrong, ...unlike(filled, cache)];
}

/** Entries that did not become again what a run without damage keeps. */
function unlike(filled, cache) {
  const bytesOf = (folder, entry) => {
    const path = join(folder, 'entries', entry);
    return lstatSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path) : undefined;
  };
  return readdirSync(join(filled, 'entries'))
    .filter((entry) => !bytesOf(cache, entry)?.equals(bytesOf(filled, entry)))
    .map((entry) => `an entry is not made again: ${entry}`);
}
