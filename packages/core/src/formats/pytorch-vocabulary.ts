import { quote } from '../errors/index.js';
import type { Dtype } from './dtype.js';
import {
  describeValue,
  PickleDict,
  PickleGlobal,
  PickleList,
  PickleTuple,
  type PickleValue,
  type PickleVocabulary,
  refuse,
} from './pickle-values.js';

/** PyTorch has no tensors of more dimensions. */
const MOST_DIMENSIONS = 64;

/** Numbers of one type in one entry of the archive. */
export class TorchStorage {
  /**
   * @param dtype undefined where it is only bytes, for tensors that say their own type
   * @param count of elements, or of bytes
   */
  constructor(
    readonly key: string,
    readonly dtype: Dtype | undefined,
    readonly count: number,
  ) {}
}

/** A view of a storage, as the pickle describes it: nothing of it is checked against the storage. */
export class TorchTensor {
  /** @param offset of its first element in the storage, in elements, as the strides */
  constructor(
    readonly storage: TorchStorage,
    readonly dtype: Dtype,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

const STORAGES: Readonly<Record<string, Dtype | undefined>> = {
  'torch.DoubleStorage': 'F64',
  'torch.FloatStorage': 'F32',
  'torch.HalfStorage': 'F16',
  'torch.BFloat16Storage': 'BF16',
  'torch.LongStorage': 'I64',
  'torch.IntStorage': 'I32',
  'torch.ShortStorage': 'I16',
  'torch.CharStorage': 'I8',
  'torch.ByteStorage': 'U8',
  'torch.BoolStorage': 'BOOL',
  'torch.ComplexFloatStorage': 'C64',
  'torch.storage.UntypedStorage': undefined,
};

const DTYPES: Readonly<Record<string, Dtype>> = {
  'torch.float64': 'F64',
  'torch.float32': 'F32',
  'torch.float16': 'F16',
  'torch.bfloat16': 'BF16',
  'torch.int64': 'I64',
  'torch.int32': 'I32',
  'torch.int16': 'I16',
  'torch.int8': 'I8',
  'torch.uint64': 'U64',
  'torch.uint32': 'U32',
  'torch.uint16': 'U16',
  'torch.uint8': 'U8',
  'torch.bool': 'BOOL',
  'torch.complex64': 'C64',
  'torch.float8_e4m3fn': 'F8_E4M3',
  'torch.float8_e5m2': 'F8_E5M2',
  'torch.float8_e8m0fnu': 'F8_E8M0',
};

/** Types of floating-point and complex numbers. */
const HAS_GRADIENT = /^(F|BF|C)\d/;

/** The names that checkpoints may refer to: a part of what `torch.load(…, weights_only=True)` takes, and nothing that it does not. */
const GLOBALS: ReadonlyMap<string, PickleGlobal> = new Map(
  [
    ...[...Object.keys(STORAGES), ...Object.keys(DTYPES)].map((name) => new PickleGlobal(name)),
    new PickleGlobal('collections.OrderedDict', orderedDict),
    new PickleGlobal('collections.Counter', ([counts = new PickleDict()]) => counts),
    new PickleGlobal('torch.Size', ([sizes = null]) => sizes),
    new PickleGlobal('torch.device', () => new PickleTuple([])),
    rebuilder('_rebuild_tensor', [4, 4], rebuildTensor),
    rebuilder('_rebuild_tensor_v2', [6, 7], rebuildTensor),
    rebuilder('_rebuild_tensor_v3', [7, 8], rebuildTypedTensor),
    rebuilder('_rebuild_parameter', [3, 3], ([data = null, gradient = null]) => {
      if (!(data instanceof TorchTensor)) refuse('a tensor for a parameter', describeValue(data));
      checkGradient(gradient, data.dtype);
      return data;
    }),
  ].map((global) => [global.name, global]),
);

export const PYTORCH_VOCABULARY: PickleVocabulary = { global: (name) => GLOBALS.get(name), persistent: storage };

/** ('storage', type, key, device, count). */
function storage(id: PickleValue): TorchStorage {
  const items = id instanceof PickleTuple ? id.items : [];
  const [kind, type, key, , count] = items;
  if (items.length > 5) refuse('a reference to a storage of 5 parts', `${items.length}`);
  if (kind !== 'storage' || !(type instanceof PickleGlobal) || !Object.hasOwn(STORAGES, type.name)) {
    refuse('a reference to a storage', type instanceof PickleGlobal ? type.name : 'something else');
  }
  if (typeof key !== 'string') refuse('a storage with a key', 'none');
  return new TorchStorage(key, STORAGES[type.name], integer(count, `the count of storage ${quote(key)}`));
}

/** A function of torch that takes so many arguments. */
function rebuilder(
  name: string,
  [least, most]: readonly [number, number],
  call: (items: readonly PickleValue[]) => PickleValue,
): PickleGlobal {
  return new PickleGlobal(`torch._utils.${name}`, (items) => {
    if (items.length < least || items.length > most)
      refuse(`${name} with ${least === most ? least : `${least} or ${most}`} arguments`, `${items.length}`);
    return call(items);
  });
}

/** (storage, offset, shape, strides, requires_grad, hooks, metadata); the first version of it ends after the strides. */
function rebuildTensor(items: readonly PickleValue[]): TorchTensor {
  const [stored, offset, shape, strides, gradient = false, , metadata = null] = items;
  if (!(stored instanceof TorchStorage)) refuse('a storage for a tensor', describeValue(stored ?? null));
  if (stored.dtype === undefined) refuse('a storage of a type for a tensor', 'one of bytes');
  checkGradient(gradient, stored.dtype);
  return tensor(stored, stored.dtype, offset, shape, strides, metadata);
}

/** The same with the tensor's type before the metadata. */
function rebuildTypedTensor(items: readonly PickleValue[]): TorchTensor {
  const [stored, offset, shape, strides, gradient = null, , dtype, metadata = null] = items;
  if (!(stored instanceof TorchStorage)) refuse('a storage for a tensor', describeValue(stored ?? null));
  if (!(dtype instanceof PickleGlobal) || !Object.hasOwn(DTYPES, dtype.name))
    refuse('a dtype', describeValue(dtype ?? null));
  checkGradient(gradient, DTYPES[dtype.name] as Dtype);
  return tensor(stored, DTYPES[dtype.name] as Dtype, offset, shape, strides, metadata);
}

/** Whether a tensor requires a gradient, which torch makes only of numbers that can have one. */
function checkGradient(required: PickleValue, dtype: Dtype): void {
  if (typeof required !== 'boolean') refuse('True or False for requires_grad', describeValue(required));
  if (required && !HAS_GRADIENT.test(dtype)) refuse('a gradient of floating-point tensors only', `one of ${dtype}`);
}

function tensor(
  stored: TorchStorage,
  dtype: Dtype,
  offset: PickleValue | undefined,
  shape: PickleValue | undefined,
  strides: PickleValue | undefined,
  metadata: PickleValue,
): TorchTensor {
  // Bits that say "conjugated" or "negated": the numbers in the file would not be the tensor's.
  if (metadata instanceof PickleDict && metadata.entries.size > 0) refuse('a tensor without metadata', 'some');
  const sizes = integers(shape, 'the shape of a tensor');
  const steps = integers(strides, 'the strides of a tensor');
  if (sizes.length !== steps.length) refuse(`${sizes.length} strides`, `${steps.length}`);
  return new TorchTensor(stored, dtype, integer(offset, 'the offset of a tensor'), sizes, steps);
}

/** Of nothing, or of a list of pairs, as protocols before 2 have it. */
function orderedDict([pairs]: readonly PickleValue[]): PickleDict {
  const dict = new PickleDict();
  if (pairs === undefined) return dict;
  if (!(pairs instanceof PickleList)) refuse('an OrderedDict of nothing or of pairs', describeValue(pairs));
  for (const pair of pairs.items) {
    const [key, value, ...others] = pair instanceof PickleTuple || pair instanceof PickleList ? pair.items : [];
    if (key === undefined || value === undefined || others.length > 0) refuse('pairs', 'something else');
    if (dict.entries.has(key)) refuse('each key of a dict once', 'one twice');
    dict.entries.set(key, value);
  }
  return dict;
}

function integers(value: PickleValue | undefined, what: string): number[] {
  if (!(value instanceof PickleTuple)) refuse(`a tuple for ${what}`, describeValue(value ?? null));
  if (value.items.length > MOST_DIMENSIONS) refuse(`at most ${MOST_DIMENSIONS} dimensions`, `${value.items.length}`);
  return value.items.map((item) => integer(item, what));
}

function integer(value: PickleValue | undefined, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  refuse(`an integer from 0 to 2^53 for ${what}`, describeValue(value ?? null));
}
