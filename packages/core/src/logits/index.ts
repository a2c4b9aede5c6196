export { fromHalf, toFloat32 } from './convert.js';
export { type Logits, logitsFromBytes, logitsOf, type StoredLogits, storedInMemory } from './logits.js';
export {
  type LogitsFile,
  openLogits,
  scoredShape,
  withLogitsFiles,
} from './logits-file.js';
export { LogitsStore } from './logits-store.js';
export { equalLogits, oneShape, type PoolLogits, poolLogits } from './pool-logits.js';
export { scoredClasses, scoredLogits } from './scored-logits.js';
