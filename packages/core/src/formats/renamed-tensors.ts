import { quote } from '../errors/index.js';
import type { TensorFile } from './tensor-file.js';

/** The same file with its tensors under other names. @param names the file's own name of each tensor that has another one here */
export function renamedTensors(file: TensorFile, names: ReadonlyMap<string, string>): TensorFile {
  const shown = new Map([...names].map(([name, own]) => [own, name]));
  const tensors = file.tensors.map((tensor) => ({ ...tensor, name: shown.get(tensor.name) ?? tensor.name }));
  const known = new Set(tensors.map(({ name }) => name));
  const own = (name: string): string => {
    if (known.has(name)) return names.get(name) ?? name;
    throw new RangeError(`Expected the name of a tensor of ${file.path} but received ${quote(name)}`);
  };
  return {
    path: file.path,
    tensors,
    metadata: file.metadata,
    read: (name, target, byteOffset) => file.read(own(name), target, byteOffset),
    range: (name) => file.range(own(name)),
    ...(file.check && { check: async (name) => file.check?.(own(name)) }),
    ...(file.exact && { exact: (name) => file.exact?.(own(name)) }),
    unreadable: (name, error) => file.unreadable(own(name), error),
    stamp: () => file.stamp(),
    close: () => file.close(),
  };
}
