export { holdOut } from './hold-out.js';
export { checkLabels, type Inputs, type Labels, readLabels, readSplit, type Split } from './split.js';
