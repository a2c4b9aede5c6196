export { holdOut } from './hold-out.js';
export type { ArrayFiles } from './joined-array.js';
export { checkLabels, type Labels, readLabels } from './labels.js';
export { type Inputs, readInputs, readSplit, type Split, type SplitFiles } from './split.js';
export { readGroups, readTaskLabels, rowsOf, samplesOf } from './task-labels.js';
