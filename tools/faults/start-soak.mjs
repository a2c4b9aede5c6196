/** Starts `soak.mjs` in a process whose memory is that of what is kept. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SOAK = fileURLToPath(new URL('soak.mjs', import.meta.url));
/** Compiled code is dropped and made again for hours, and is more than what a search keeps by mistake. */
const FLAGS = ['--expose-gc', '--no-opt', '--no-maglev', '--no-sparkplug'];
/** Freed memory goes back at once, of one arena in the place of one for each thread. */
const ALLOCATOR = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TRIM_THRESHOLD_: '65536' };

/** @param scratch an empty folder @param minutes how long @returns whether memory, descriptors, threads and processes stay as they are */
export function startSoak(scratch, minutes, seed) {
  const env = { ...process.env, ...ALLOCATOR };
  const args = [...FLAGS, SOAK, scratch, String(minutes), String(seed)];
  return spawnSync(process.execPath, args, { env, stdio: 'inherit' }).status === 0;
}
