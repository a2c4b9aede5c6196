/** What `search` and `compare` call a soup in one file. */
export const SOUP_FILE = 'soup.safetensors';

/** The same of a pool whose models are all in ONNX. */
export const ONNX_SOUP_FILE = 'soup.onnx';

/** What `result.json` and `comparison.json` say of the soup beside them. */
export interface WrittenSoup {
  /** Name of the soup's index, where it was written in shards, or ONNX_SOUP_FILE; absent where it is SOUP_FILE. */
  readonly soupFile?: string;
}
