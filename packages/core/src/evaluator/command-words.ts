import { quote, RadinError } from '../errors/index.js';

/** What a command may name in braces. */
const PLACEHOLDERS = ['weights', 'split', 'logits'] as const;

export type Placeholders = Readonly<Record<(typeof PLACEHOLDERS)[number], string>>;

/** A word in quotes, a character after a backslash, or plain characters. In double quotes a backslash stands before `"` and `\`. */
const PIECE = /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)|(\s+)/gsy;
const NAMED = /\{([a-z]+)\}/g;

/**
 * The program and arguments of a command: a list as it is, a text split at white space outside quotes. Nothing else of a shell's
 * language is known. @throws RadinError for an open quote, no word, or braces around a name that is none of the placeholders
 */
export function commandWords(command: string | readonly string[]): readonly string[] {
  const words = typeof command === 'string' ? split(command) : command;
  if (words[0] === undefined || words[0] === '') {
    throw new RadinError('CONFIG', 'Expected a program in the command of the evaluator but found none');
  }
  for (const [, name = ''] of words.flatMap((word) => [...word.matchAll(NAMED)])) {
    if (PLACEHOLDERS.some((known) => known === name)) continue;
    const known = PLACEHOLDERS.map((one) => `{${one}}`).join(', ');
    throw new RadinError('CONFIG', `Expected ${known} in the command of the evaluator but found ${quote(`{${name}}`)}`);
  }
  return words;
}

/** The words with values in place of names in braces; a value never becomes more than one word. */
export function fillIn(words: readonly string[], values: Placeholders): string[] {
  return words.map((word) => word.replaceAll(NAMED, (_, name: keyof Placeholders) => values[name]));
}

function split(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let end = 0;
  for (const [whole, single, double, escaped, plain, space] of text.matchAll(PIECE)) {
    end += whole.length;
    if (space !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + (single ?? double?.replace(/\\(["\\])/g, '$1') ?? escaped ?? plain ?? '');
    }
  }
  if (end < text.length) {
    const found = quote(text.slice(end));
    throw new RadinError('CONFIG', `Expected every quote of the evaluator's command to be closed but found ${found}`);
  }
  return word === undefined ? words : [...words, word];
}
