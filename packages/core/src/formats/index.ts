export { arrayPlace, openArray, readArray } from './array-file.js';
export { type FileSink, type WriteOptions, writeFileAtomically, writeTextAtomically } from './atomic-file.js';
export { type Dtype, dtypeBytes, formatShape, inWritingOrder, isFloat, type TensorInfo } from './dtype.js';
export { makeFolder } from './make-folder.js';
export {
  type FilePlace,
  type NpyArray,
  type NpyFile,
  type NpyInfo,
  openNpy,
  readNpy,
  readNpyHeader,
  writeNpy,
} from './npy.js';
export { arrayNames } from './npz.js';
export { checkOperators } from './onnx-check.js';
export { liftInitializers } from './onnx-lift.js';
export { type GraphValue, type OnnxModel, readOnnx } from './onnx-reader.js';
export type { Initializer } from './onnx-tensor.js';
export { openTensorFile, type TensorFormat, tensorFormat } from './open-tensors.js';
export type { PyTorchOptions } from './pytorch-reader.js';
export {
  allocate,
  changedFile,
  endedEarly,
  type RegularFile,
  stampOf,
  unreadableFile,
  withRegularFile,
} from './regular-file.js';
export { INDEX_SUFFIX } from './safetensors-index.js';
export { openSafetensors, type SafetensorsFile } from './safetensors-reader.js';
export { type WrittenModel, writeShardedSafetensors } from './safetensors-shard-writer.js';
export { openSafetensorsModel, safetensorsFiles } from './safetensors-shards.js';
export { type ProduceTensor, type WrittenFile, writeSafetensors } from './safetensors-writer.js';
export { TemporaryFile } from './temporary-file.js';
export type { TensorFile } from './tensor-file.js';
