export { fromHalf, type Logits, readLogits, toFloat32, toHalf } from './logits.js';
export { equalLogits, type PoolLogits, poolLogits } from './pool-logits.js';
