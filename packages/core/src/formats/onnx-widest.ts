import { dtypeBytes } from './dtype.js';
import type { OnnxFile } from './onnx-file.js';

/**
 * Of models in ONNX the first whose weights have the widest types: more bytes for an element than any other's. Where one model has the
 * widest type of every weight it is that one. Undefined for none.
 */
export function widestOnnx(models: readonly OnnxFile[]): OnnxFile | undefined {
  const widths = models.map(({ tensors }) => {
    const bytes = tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const elements = tensors.reduce((sum, { byteLength, dtype }) => sum + byteLength / dtypeBytes(dtype), 0);
    return bytes / Math.max(1, elements);
  });
  return models[widths.indexOf(Math.max(...widths))];
}
