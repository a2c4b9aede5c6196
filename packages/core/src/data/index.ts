export { elementsSha256, inputsSha256, labelsKeyParts, labelsSha256 } from './content.js';
export { holdOut } from './hold-out.js';
export { Inputs, type InputsInfo } from './inputs.js';
export { type ArrayFiles, arraySources, type InputFiles, namedArrays } from './joined-array.js';
export { checkLabels, type Labels, readLabels } from './labels.js';
export { RowReader, type SamplePlaces } from './row-reader.js';
export { readInputs, readSplit, type Split, type SplitFiles } from './split.js';
export { readSplitInfo, type SplitInfo } from './split-info.js';
export { readGroups, readTaskLabels, rowsOf, samplesOf } from './task-labels.js';
