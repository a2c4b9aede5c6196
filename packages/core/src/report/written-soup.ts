/** What `search` and `compare` call a soup in one file, of models that are files. */
export const SOUP_FILE = 'soup.safetensors';

/** The same of a pool whose models are all in ONNX. */
export const ONNX_SOUP_FILE = 'soup.onnx';

/** What `result.json` and `comparison.json` say of the soup beside them. */
export interface WrittenSoup {
  /** Its file or, in shards, its index, relative to the folder of the results; absent where it is SOUP_FILE. */
  readonly soupFile?: string;
  /** The folder of the soup as an adapter, where all models are adapters. */
  readonly adapterFolder?: string;
}
