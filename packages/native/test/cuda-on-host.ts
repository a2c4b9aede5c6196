import { dirname, join } from 'node:path';
import { ADDON_PATH } from '../lib/addon.js';

/**
 * From now on this process's `cuda` is the CUDA backend's logic on a device made of host memory: see `cudaLibrary`. A process
 * loads one CUDA library, so a test file imports this before it opens anything. A library that the environment names stays, so
 * that the same tests can run on a GPU.
 */
process.env.RADIN_CUDA_LIBRARY ||= join(dirname(ADDON_PATH), 'radin_cuda_on_host.so');

/** Whether the device is that one: its memory can be limited, and it takes its time. */
export const IS_ON_HOST = process.env.RADIN_CUDA_LIBRARY.endsWith('on_host.so');
