export { type FileSink, type WriteOptions, writeFileAtomically, writeTextAtomically } from './atomic-file.js';
export { type Dtype, dtypeBytes, formatShape, isFloat, type TensorInfo } from './dtype.js';
export { type NpyArray, type NpyFile, type NpyInfo, openNpy, readNpy, readNpyHeader, writeNpy } from './npy.js';
export { liftInitializers } from './onnx-lift.js';
export { type GraphValue, type OnnxModel, readOnnx } from './onnx-reader.js';
export type { Initializer } from './onnx-tensor.js';
export { allocate, type RegularFile, unreadableFile, withRegularFile } from './regular-file.js';
export { openSafetensors, type SafetensorsFile } from './safetensors-reader.js';
export { type ProduceTensor, type WrittenFile, writeSafetensors } from './safetensors-writer.js';
