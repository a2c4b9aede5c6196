export { arrayPlace, openArray, readArray } from './array-file.js';
export {
  type FileSink,
  replaceable,
  synchroniseFolder,
  type WriteOptions,
  writeFileAtomically,
  writeTextAtomically,
} from './atomic-file.js';
export { digestFile, digestFiles, type WrittenFile } from './digest.js';
export { type Dtype, dtypeBytes, formatShape, inWritingOrder, isFloat, type TensorInfo } from './dtype.js';
export { floatValues, isFloatDtype, writeFloats } from './float-values.js';
export { ADAPTER_FILES, isAdapterFile, type LoraAdapter, type LoraProduct, openLoraAdapter } from './lora-adapter.js';
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
export { openNpzArrays } from './npz.js';
export { type BatchNorm, batchNorms } from './onnx-batch-norm.js';
export { checkOperators } from './onnx-check.js';
export { type OnnxFile, openAnyOnnx, openOnnx } from './onnx-file.js';
export { liftInitializers } from './onnx-lift.js';
export { onnxMetadata } from './onnx-metadata.js';
export { MOMENTS, momentsGraph } from './onnx-moments.js';
export { type GraphNode, graphNodes } from './onnx-nodes.js';
export { quantisedMessage } from './onnx-quantised.js';
export { type GraphValue, type OnnxModel, readOnnx } from './onnx-reader.js';
export { type GraphMatch, matchGraphs } from './onnx-same-graph.js';
export type { Initializer } from './onnx-tensor.js';
export { readWidestGraph, widestOnnx } from './onnx-widest.js';
export { copyOnnx, type OnnxCopy } from './onnx-writer.js';
export { openEach } from './open-each.js';
export {
  isOnnx,
  type ModelOptions,
  modelFiles,
  openModel,
  openTensorFile,
  type TensorFormat,
  tensorFormat,
} from './open-tensors.js';
export { ADAPTER_CONFIG, readJsonObject } from './peft-config.js';
export { isAt, realPathAt, statusAt } from './presence.js';
export type { PyTorchOptions } from './pytorch-reader.js';
export {
  allocate,
  changedFile,
  endedEarly,
  type RegularFile,
  readSmallFile,
  stampAt,
  stampOf,
  unreadableFile,
  withRegularFile,
} from './regular-file.js';
export { renamedTensors } from './renamed-tensors.js';
export { openSafetensors, type SafetensorsFile } from './safetensors-reader.js';
export { earlierModel, type WrittenModel, writeShardedSafetensors } from './safetensors-shard-writer.js';
export { type ProduceTensor, writeSafetensors } from './safetensors-writer.js';
export { INDEX_SUFFIX, isShardIndex, PYTORCH_INDEX_SUFFIX } from './shard-index.js';
export { openSafetensorsModel, safetensorsFiles, shardNames } from './shards.js';
export { TemporaryFile } from './temporary-file.js';
export type { ReadExact, TensorFile } from './tensor-file.js';
export { sweepUnfinished } from './unfinished.js';
export { widenedTensors, widest } from './widened-tensors.js';
export { writeTogether } from './write-together.js';
