export { checkLabels, type Inputs, type Labels, readLabels, readSplit, type Split } from './split.js';
