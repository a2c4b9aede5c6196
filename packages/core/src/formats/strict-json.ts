/** What a file header may hold. Objects are Maps, so that a name such as `__proto__` is a name like any other. */
export type StrictJson = string | number | boolean | null | readonly StrictJson[] | ReadonlyMap<string, StrictJson>;

/** File headers are flat; a deep one is an attack on the stack. */
const DEEPEST = 16;
/** Of a few bytes each, values take a hundred in memory. Ten for each tensor leave room for 200,000 tensors. */
const MOST_VALUES = 2 ** 21;

/**
 * Reads the JSON text of a file header as every reader of that file must understand it: duplicate keys, numbers other than
 * integers within ±(2^53 − 1), invalid UTF-8, unpaired surrogates, byte order marks, more than 16 levels and more than 2^21 values are refused.
 * @throws SyntaxError with a one-line message that names the position, in characters
 */
export function parseStrictJson(bytes: Uint8Array): StrictJson {
  return new Parser(decode(bytes)).document();
}

function decode(bytes: Uint8Array): string {
  try {
    // `ignoreBOM` means that a byte order mark is kept, so that the parser meets and refuses it.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new SyntaxError('Expected UTF-8 text but found other bytes', { cause: error });
  }
}

// Repetitions are bounded: the regular expression engine keeps a stack entry for each, and a header may have 100 MB.
const SPACE = /[ \t\n\r]{1,1024}/y;
const INTEGER = /-?(?:0|[1-9]\d{0,15})(?![\d.eE])/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in strings
const CHARACTERS = /(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})){1,1024}/y;
const WORD = /true|false|null/y;

class Parser {
  #at = 0;
  #values = 0;

  constructor(readonly text: string) {}

  document(): StrictJson {
    const value = this.#value(0);
    if (this.#at < this.text.length) this.#fail('the end');
    return value;
  }

  /** A value and the white space around it. */
  #value(depth: number): StrictJson {
    if (depth > DEEPEST) this.#fail(`at most ${DEEPEST} levels`);
    if (++this.#values > MOST_VALUES) this.#fail(`at most ${MOST_VALUES} values`);
    this.#space();
    const value = this.#bareValue(depth);
    this.#space();
    return value;
  }

  #bareValue(depth: number): StrictJson {
    if (this.#skip('{')) return this.#object(depth);
    if (this.#skip('[')) return this.#array(depth);
    if (this.#skip('"')) return this.#string();
    const word = this.#match(WORD);
    if (word) return word === 'null' ? null : word === 'true';
    return this.#integer();
  }

  #object(depth: number): ReadonlyMap<string, StrictJson> {
    const entries = new Map<string, StrictJson>();
    this.#space();
    if (this.#skip('}')) return entries;
    do {
      this.#space();
      if (!this.#skip('"')) this.#fail('a key');
      const start = this.#at;
      const key = this.#string();
      if (entries.has(key)) this.#fail('different keys (this one is there twice)', start);
      this.#space();
      if (!this.#skip(':')) this.#fail('":"');
      entries.set(key, this.#value(depth + 1));
    } while (this.#skip(','));
    if (!this.#skip('}')) this.#fail('"," or "}"');
    return entries;
  }

  #array(depth: number): readonly StrictJson[] {
    const elements: StrictJson[] = [];
    this.#space();
    if (this.#skip(']')) return elements;
    do elements.push(this.#value(depth + 1));
    while (this.#skip(','));
    if (!this.#skip(']')) this.#fail('"," or "]"');
    return elements;
  }

  #string(): string {
    const start = this.#at;
    while (this.#match(CHARACTERS) !== '');
    const end = this.#at;
    if (!this.#skip('"')) this.#fail('the rest of a string');
    const value = JSON.parse(this.text.slice(start - 1, end + 1)) as string;
    if (/\p{Cs}/u.test(value)) this.#fail('a string without unpaired surrogates', start);
    return value;
  }

  #integer(): number {
    const start = this.#at;
    const value = Number(this.#match(INTEGER) || Number.NaN);
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.#fail('a string, object, array, true, false, null or an integer below 2^53', start);
    }
    return value;
  }

  #space(): void {
    while (this.#match(SPACE) !== '');
  }

  /** Steps over what the pattern matches here and returns it; an empty text where it does not match. */
  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  #skip(character: string): boolean {
    const found = this.text[this.#at] === character;
    if (found) this.#at++;
    return found;
  }

  #fail(expected: string, at = this.#at): never {
    const found = at < this.text.length ? JSON.stringify(this.text.slice(at, at + 20)) : 'the end';
    throw new SyntaxError(`Expected ${expected} but found ${found} at character ${at}`);
  }
}
