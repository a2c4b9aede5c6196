import { quote } from '../errors/index.js';
import { type Dtype, MOST_DIMENSIONS, tensorBytes } from './dtype.js';
import { failFormat } from './format-error.js';

/** Type codes of NumPy's `descr`, without byte order, that have a place here. */
const DTYPES: ReadonlyMap<string, Dtype> = new Map([
  ['b1', 'BOOL'],
  ['u1', 'U8'],
  ['i1', 'I8'],
  ['u2', 'U16'],
  ['i2', 'I16'],
  ['u4', 'U32'],
  ['i4', 'I32'],
  ['u8', 'U64'],
  ['i8', 'I64'],
  ['f2', 'F16'],
  ['f4', 'F32'],
  ['f8', 'F64'],
]);

/** What NumPy calls the kinds that are refused. */
const REFUSED_KINDS: ReadonlyMap<string, string> = new Map([
  ['O', 'Python objects'],
  ['S', 'byte strings'],
  ['a', 'byte strings'],
  ['U', 'strings'],
  ['V', 'raw or structured records'],
  ['c', 'complex numbers'],
  ['M', 'dates'],
  ['m', 'time differences'],
  ['f', 'extended precision floats'],
]);

export interface NpyHeader {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Whether each element's bytes are in big-endian order. */
  readonly bigEndian: boolean;
  /** Whether the first axis varies fastest: never where that is the same as row-major order. */
  readonly fortranOrder: boolean;
}

/**
 * Reads the Python dictionary of an `.npy` header: exactly the keys descr, fortran_order and shape, in any order.
 * @throws RadinError (`FORMAT`) where it is something else, or a type without a place here
 */
export function parseNpyHeader(text: string, path: string): NpyHeader {
  const fields = parseDictionary(text, path);
  const order = parseDescr(fields.get('descr') ?? '', path);
  const shape = parseShape(fields.get('shape') ?? '', path);
  return { ...order, shape, fortranOrder: fields.get('fortran_order') === 'True' && !isSameInBothOrders(shape) };
}

/** The header of a little-endian array in C order, as a Python dictionary. */
export function formatNpyHeader(dtype: Dtype, shape: readonly number[], path: string): string {
  const code = [...DTYPES].find(([, name]) => name === dtype)?.[0];
  if (code === undefined) failFormat('a dtype that NumPy has', dtype, path);
  if (shape.length > MOST_DIMENSIONS) failFormat(`at most ${MOST_DIMENSIONS} dimensions`, `${shape.length}`, path);
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  return `{'descr': '${code.endsWith('1') ? '|' : '<'}${code}', 'fortran_order': False, 'shape': ${tuple}, }`;
}

const KEY = / *(?:'(\w{1,20})'|"(\w{1,20})") *: */y;
const VALUES: ReadonlyMap<string, RegExp> = new Map([
  ['descr', /'[^'\\]{0,200}'|"[^"\\]{0,200}"|\[/y],
  ['fortran_order', /True|False/y],
  ['shape', /\([\d, ]{0,2000}\)/y],
]);

function parseDictionary(text: string, path: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  let at = text.startsWith('{') ? 1 : failDictionary(path);
  const match = (pattern: RegExp): RegExpExecArray => {
    pattern.lastIndex = at;
    const found = pattern.exec(text) ?? failDictionary(path);
    at = pattern.lastIndex;
    return found;
  };
  do {
    const [, single, double] = match(KEY);
    const key = single ?? double ?? '';
    const pattern = VALUES.get(key);
    if (pattern === undefined || fields.has(key)) failDictionary(path);
    fields.set(key, match(pattern)[0]);
    if (fields.get(key) === '[') failFormat('one number per element', 'a structured dtype', path);
  } while (match(/ *(,?) */y)[1] === ',' && text[at] !== '}');
  match(/\} *\n?$/y);
  if (fields.size !== VALUES.size) failDictionary(path);
  return fields;
}

function failDictionary(path: string): never {
  return failFormat(
    "the dictionary {'descr': …, 'fortran_order': …, 'shape': …} as .npy header",
    'something else',
    path,
  );
}

function parseDescr(quoted: string, path: string): { dtype: Dtype; bigEndian: boolean } {
  const descr = quoted.slice(1, -1);
  const byteOrder = descr[0] ?? '';
  const dtype = DTYPES.get(descr.slice(1));
  const isSingleByte = dtype !== undefined && tensorBytes(dtype, []) === 1;
  if (dtype !== undefined && (byteOrder === '<' || byteOrder === '>' || (byteOrder === '|' && isSingleByte))) {
    return { dtype, bigEndian: byteOrder === '>' };
  }
  const kind = REFUSED_KINDS.get(descr.replace(/^[<>|=]/, '')[0] ?? '');
  const found = `dtype ${quote(descr)}${kind === undefined || dtype !== undefined ? '' : ` (${kind})`}`;
  return failFormat('booleans, integers or floats of a stated byte order', found, path);
}

function parseShape(tuple: string, path: string): readonly number[] {
  // Python has no numbers that begin with a zero.
  const items =
    /^\( *(?:\d+ *(?:, *\d+ *)*,? *)?\)$/.test(tuple) && !/\b0\d/.test(tuple)
      ? (tuple.match(/\d+/g) ?? [])
      : failDictionary(path);
  // In Python, (3) is a number and not a tuple.
  if (items.length === 1 && !tuple.includes(',')) failDictionary(path);
  const shape = items.map(Number);
  if (!shape.every(Number.isSafeInteger)) failFormat('sizes below 2^53', `shape ${quote(tuple)}`, path);
  if (shape.length > MOST_DIMENSIONS) failFormat(`at most ${MOST_DIMENSIONS} dimensions`, `${shape.length}`, path);
  return shape;
}

/** With at most one dimension longer than 1, both orders are the same. */
function isSameInBothOrders(shape: readonly number[]): boolean {
  return shape.includes(0) || shape.filter((size) => size > 1).length <= 1;
}
