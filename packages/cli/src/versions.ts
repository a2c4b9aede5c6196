import { ONNXRUNTIME_VERSION } from '@radin/core';
import { VERSION } from './version.js';

/** Versions that a result depends on. */
export const VERSIONS: Readonly<Record<string, string>> = {
  radin: VERSION,
  onnxruntime: ONNXRUNTIME_VERSION,
  node: process.versions.node,
};
