import { createRequire } from 'node:module';

/** Version of ONNX Runtime that evaluates; the last bits of logits can depend on it. */
export const ONNXRUNTIME_VERSION: string = (
  createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string }
).version;
