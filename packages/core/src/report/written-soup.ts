/** What `search` and `compare` call a soup in one file. */
export const SOUP_FILE = 'soup.safetensors';

/** What `result.json` and `comparison.json` say of the soup beside them. */
export interface WrittenSoup {
  /** Name of the soup's index, where it was written in shards; absent where it is SOUP_FILE. */
  readonly soupFile?: string;
}
