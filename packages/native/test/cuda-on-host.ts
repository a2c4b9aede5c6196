import { dirname, join } from 'node:path';
import { ADDON_PATH } from '../lib/addon.js';

/**
 * From now on this process's `cuda` is the CUDA backend's logic on a device made of host memory: see `cudaLibrary`. A process
 * loads one CUDA library, so a test file imports this before it opens anything.
 */
process.env.RADIN_CUDA_LIBRARY = join(dirname(ADDON_PATH), 'radin_cuda_on_host.so');
