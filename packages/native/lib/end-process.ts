import { type AddonBinding, loadAddon } from './addon.js';

/**
 * Ends this process at once, its threads too. `process.exit` waits for what they read, write and compute, on a slow disk for seconds. Listeners for
 * the exit are called first. Without the addon it is that.
 * @param code from 0 to 255
 */
export function endProcess(code: number): never {
  let addon: AddonBinding;
  try {
    addon = loadAddon();
  } catch {
    process.exit(code);
  }
  process.emit('exit', code);
  return addon.endProcess(code);
}
