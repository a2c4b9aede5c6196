import { RadinError } from '../errors/index.js';
import { formatShape } from '../formats/index.js';
import { MULTI_CLASS, type TaskName } from '../metric/index.js';
import type { InputsInfo } from './inputs.js';
import { type ArrayFiles, type InputFiles, joinedInfo, namedArrays } from './joined-array.js';
import { checkLabelled, checkLength, checkSomeLabel, type Split, type SplitFiles, samplesIn } from './split.js';

/** What the headers of a split's files say. */
export interface SplitInfo {
  readonly name: Split['name'];
  /** M. */
  readonly samples: number;
  /** Of logits at most: M, or the tokens of all samples. */
  readonly rows: number;
  /** Undefined where none are named, for a program that evaluates knows its data. */
  readonly inputs?: InputsInfo;
  /** C, where labels are one-hot. */
  readonly classes?: number;
}

/** Reads headers only. @throws RadinError where they cannot be read or do not belong together, as far as headers tell */
export async function readSplitInfo(
  name: Split['name'],
  files: SplitFiles,
  task: TaskName = MULTI_CLASS.name,
): Promise<SplitInfo> {
  const { whole: labels } = await joinedInfo(files.labels);
  const isMultiClass = task === MULTI_CLASS.name;
  const [labelled, width = 1] = labels.shape;
  if (labelled === undefined || (isMultiClass && labels.shape.length > 2)) {
    throw new RadinError(
      'DATA',
      `Expected labels of shape [samples], or one-hot [samples, classes], but found ${formatShape(labels.shape)} in ${labels.path}`,
    );
  }
  const rows = task === 'token-classification' ? labelled * width : labelled;
  const oneHot = { ...(isMultiClass && width > 1 && { classes: width }) };
  if (files.inputs === undefined) {
    checkSomeLabel(labels.path, labelled);
    return { name, samples: labelled, rows, ...oneHot };
  }
  const inputs = await inputsInfo(files.inputs);
  const samples = samplesIn(inputs);
  checkLabelled(labels.path, labelled, inputs.path, samples);
  return { name, samples, rows, inputs, ...oneHot };
}

async function inputsInfo(files: InputFiles): Promise<InputsInfo> {
  const named = namedArrays(files);
  const infos: InputsInfo[] = [];
  for (const [name, one] of Object.entries(named ?? { '': files as ArrayFiles })) {
    const { path, dtype, shape } = (await joinedInfo(one)).whole;
    infos.push({ path, dtype, shape, ...(named !== undefined && { name }) });
    checkLength({ path, shape }, infos[0]);
  }
  const [first, ...others] = infos as [InputsInfo, ...InputsInfo[]];
  return others.length === 0 ? first : { ...first, others };
}
