import { RadinError } from '../errors/index.js';
import { formatShape } from '../formats/index.js';
import { MULTI_CLASS, type Task } from '../metric/index.js';
import { ELEMENTS, type Elements } from './elements.js';
import { type ArrayFiles, type JoinedArray, readJoined } from './joined-array.js';
import { type Labels, readIndices, readLabels } from './labels.js';

/** What labels of tokens have in place of a class where the token does not count, unless another number is given; PyTorch's. */
const IGNORE_INDEX = -100;

/**
 * Reads what a task's predictions are scored against (docs/metrics.md has the shapes).
 * @throws RadinError naming the first row that does not fit
 */
export async function readTaskLabels(files: ArrayFiles, task: Task = MULTI_CLASS): Promise<Labels> {
  switch (task.name) {
    case 'multi-class':
      return readLabels(files);
    case 'binary':
      return readBinary(await readJoined(files));
    case 'multi-label':
      return readMultiLabel(await readJoined(files));
    case 'token-classification':
      return readTokens(await readJoined(files), task.ignoreIndex ?? IGNORE_INDEX);
    case 'regression':
      return readTargets(await readJoined(files));
  }
}

/** Reads the group of each sample, integers ≥ 0 of shape [M], and gives each token of a sample that sample's. @throws RadinError */
export async function readGroups(files: ArrayFiles, labels: Labels): Promise<Int32Array> {
  const array = await readJoined(files);
  const samples = samplesOf(labels);
  if (array.shape.length !== 1 || array.shape[0] !== samples) {
    throw new RadinError(
      'DATA',
      `Expected one group per sample, shape [${samples}], but found ${formatShape(array.shape)} in ${array.path}`,
    );
  }
  const groups = readIndices(array, 'group');
  const { tokens } = labels;
  if (tokens === undefined) return groups;
  return Int32Array.from(tokens.places, (place) => groups[Math.floor(place / tokens.positions)] as number);
}

/** M. */
export function samplesOf({ samples, values }: Labels): number {
  return samples ?? values.length;
}

/** What scores are means over: M, or the number of tokens that count. */
export function rowsOf({ targets, samples, values }: Labels): number {
  return targets === undefined ? values.length : (samples as number);
}

/** The labels of some of the samples, in the order given. */
export function selectLabels(labels: Labels, samples: Uint32Array): Labels {
  const { values, targets, tokens, groups } = labels;
  if (tokens !== undefined) return selectTokens(labels, samples);
  const pick = (from: Int32Array) => Int32Array.from(samples, (sample) => from[sample] as number);
  const width = labels.classes as number;
  const chosen = targets && new Float64Array(samples.length * width);
  for (const [row, sample] of samples.entries()) {
    chosen?.set((targets as Float64Array).subarray(sample * width, (sample + 1) * width), row * width);
  }
  return {
    ...labels,
    values: targets === undefined ? pick(values) : values,
    ...(chosen && { targets: chosen, samples: samples.length }),
    ...(groups && { groups: pick(groups) }),
  };
}

function selectTokens(labels: Labels, samples: Uint32Array): Labels {
  const { positions, places } = labels.tokens as NonNullable<Labels['tokens']>;
  const firstOf = new Map<number, number>();
  const rows: number[] = [];
  const moved: number[] = [];
  for (const [row, place] of places.entries()) {
    const sample = Math.floor(place / positions);
    if (!firstOf.has(sample)) firstOf.set(sample, row);
  }
  for (const [at, sample] of samples.entries()) {
    for (let row = firstOf.get(sample) ?? places.length; row < places.length; row++) {
      const place = places[row] as number;
      if (Math.floor(place / positions) !== sample) break;
      rows.push(row);
      moved.push(at * positions + (place % positions));
    }
  }
  const pick = (from: Int32Array) => Int32Array.from(rows, (row) => from[row] as number);
  return {
    ...labels,
    values: pick(labels.values),
    samples: samples.length,
    tokens: { positions, places: Int32Array.from(moved) },
    ...(labels.groups && { groups: pick(labels.groups) }),
  };
}

function readBinary(array: JoinedArray): Labels {
  const { path, shape } = array;
  if (shape.length !== 1 && !(shape.length === 2 && shape[1] === 1)) {
    throw new RadinError(
      'DATA',
      `Expected labels 0 and 1 of shape [samples] but found ${formatShape(shape)} in ${path}`,
    );
  }
  return { path, task: 'binary', values: readZerosAndOnes(array, Int32Array), classes: 2 };
}

function readMultiLabel(array: JoinedArray): Labels {
  const { path, shape } = array;
  const [samples = 0, classes = 0] = shape;
  if (shape.length !== 2 || classes === 0) {
    throw new RadinError(
      'DATA',
      `Expected labels 0 and 1 of shape [samples, labels] but found ${formatShape(shape)} in ${path}`,
    );
  }
  const targets = readZerosAndOnes(array, Float64Array);
  return { path, task: 'multi-label', values: new Int32Array(), samples, classes, targets };
}

function readTokens(array: JoinedArray, ignoreIndex: number): Labels {
  const { path, shape } = array;
  const [samples = 0, positions = 0] = shape;
  if (shape.length !== 2 || positions === 0) {
    throw new RadinError(
      'DATA',
      `Expected labels of shape [samples, tokens] but found ${formatShape(shape)} in ${path}`,
    );
  }
  const found = integersOf(array);
  const [values, places]: [number[], number[]] = [[], []];
  for (let place = 0; place < samples * positions; place++) {
    const label = Number(found[place]);
    if (label === ignoreIndex) continue;
    if (!(label >= 0 && label <= 0x7fffffff)) {
      const row = Math.floor(place / positions);
      throw new RadinError(
        'DATA',
        `Expected a class index ≥ 0, or ${ignoreIndex} for tokens that do not count, but found ${label} in ${path}, row ${row}, token ${place % positions}`,
      );
    }
    values.push(label);
    places.push(place);
  }
  if (values.length === 0 && samples > 0) {
    throw new RadinError('DATA', `Expected at least one token that counts but found none in ${path}`);
  }
  return {
    path,
    task: 'token-classification',
    values: Int32Array.from(values),
    samples,
    tokens: { positions, places: Int32Array.from(places) },
  };
}

function readTargets(array: JoinedArray): Labels {
  const { path, dtype, shape, bytes } = array;
  const [samples = 0, classes = 1] = shape;
  const elements = ELEMENTS[dtype];
  if (shape.length === 0 || shape.length > 2 || classes === 0) {
    throw new RadinError(
      'DATA',
      `Expected targets of shape [samples] or [samples, outputs] but found ${formatShape(shape)} in ${path}`,
    );
  }
  if (elements === undefined || dtype === 'F16' || dtype === 'BOOL') {
    throw new RadinError('DATA', `Expected targets of dtype F32, F64 or integers but found ${dtype} in ${path}`);
  }
  const found = elements.view(bytes);
  const targets = new Float64Array(samples * classes);
  for (let at = 0; at < targets.length; at++) {
    const value = Number(found[at]);
    if (!Number.isFinite(value)) {
      throw new RadinError(
        'DATA',
        `Expected finite targets but found ${value} in ${path}, row ${Math.floor(at / classes)}`,
      );
    }
    targets[at] = value;
  }
  return { path, task: 'regression', values: new Int32Array(), samples, classes, targets };
}

function integersOf({ path, dtype, bytes }: JoinedArray): ArrayLike<number | bigint> {
  const elements = dtype === 'BOOL' ? undefined : ELEMENTS[dtype];
  if (elements !== undefined && !elements.float) return elements.view(bytes);
  throw new RadinError('DATA', `Expected integer class labels but found dtype ${dtype} in ${path}`);
}

function readZerosAndOnes<T extends Int32Array | Float64Array>(
  { path, dtype, shape, bytes }: JoinedArray,
  array: new (length: number) => T,
): T {
  const elements: Elements | undefined = ELEMENTS[dtype];
  if (elements === undefined)
    throw new RadinError('DATA', `Expected labels 0 and 1 but found dtype ${dtype} in ${path}`);
  const found = elements.view(bytes);
  const values = new array(shape.reduce((product, size) => product * size, 1));
  const perRow = shape.slice(1).reduce((product, size) => product * size, 1);
  for (let at = 0; at < values.length; at++) {
    const element = found[at];
    if (element === elements.one) values[at] = 1;
    else if (element !== 0 && element !== 0n) {
      const shown = dtype === 'F16' ? 'another number' : element;
      throw new RadinError(
        'DATA',
        `Expected labels 0 and 1 but found ${shown} in ${path}, row ${Math.floor(at / perRow)}`,
      );
    }
  }
  return values;
}
