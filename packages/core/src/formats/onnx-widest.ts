import { dtypeBytes } from './dtype.js';
import { type OnnxFile, openOnnx } from './onnx-file.js';
import type { OnnxModel } from './onnx-reader.js';
import { openEach } from './open-each.js';

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

/** The graph of the widest of models in ONNX; undefined for none. @throws RadinError where one cannot be opened */
export async function readWidestGraph(paths: readonly string[]): Promise<OnnxModel | undefined> {
  const models = await openEach(paths, openOnnx);
  await Promise.all(models.map((model) => model.close()));
  return widestOnnx(models)?.graph;
}
