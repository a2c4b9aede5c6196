import type { OnnxModel } from '../formats/index.js';
import type { Checkpoint } from './checkpoint.js';

/**
 * The graph's float initializers of one element, such as ε and √2, that all models have with the graph's own value. They can stay in the
 * graph, where ONNX Runtime sees what it may fuse. Reads these tensors only.
 */
export async function constantsOf(graph: OnnxModel, checkpoints: readonly Checkpoint[]): Promise<ReadonlySet<string>> {
  const constants = new Set<string>();
  for (const { name, dtype, shape, data } of graph.initializers) {
    if (data === undefined || !shape.every((size) => size === 1)) continue;
    const isEqual = async (checkpoint: Checkpoint) => {
      const tensor = checkpoint.tensors.find((one) => one.name === name);
      if (tensor?.dtype !== dtype || tensor.byteLength !== data.byteLength) return false;
      const bytes = new Uint8Array(data.byteLength);
      await checkpoint.read(name, bytes);
      return Buffer.compare(bytes, data) === 0;
    };
    const equal = await Promise.all(checkpoints.map(isEqual));
    if (equal.every(Boolean)) constants.add(name);
  }
  return constants;
}
