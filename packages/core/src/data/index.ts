export { holdOut } from './hold-out.js';
export type { ArrayFiles } from './joined-array.js';
export { checkLabels, type Labels, readLabels } from './labels.js';
export { type Inputs, readInputs, readSplit, type Split, type SplitFiles } from './split.js';
export { readSplitInfo, type SplitInfo, type SplitInputs } from './split-info.js';
