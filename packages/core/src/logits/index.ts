export { fromHalf, type Logits, readLogits, requireFinite, toFloat32, toHalf } from './logits.js';
export { equalLogits, type PoolLogits, poolLogits } from './pool-logits.js';
