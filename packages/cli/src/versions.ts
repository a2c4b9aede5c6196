import { createRequire } from 'node:module';
import { ONNXRUNTIME_VERSION } from '@radin/core';

/** This program's version. */
export const VERSION: string = (createRequire(import.meta.url)('../package.json') as { version: string }).version;

/** Versions that a result depends on. */
export const VERSIONS: Readonly<Record<string, string>> = {
  radin: VERSION,
  onnxruntime: ONNXRUNTIME_VERSION,
  node: process.versions.node,
};
