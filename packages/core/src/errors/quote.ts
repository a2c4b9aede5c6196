/** Longest name shown in a message, in characters; longer ones are cut in the middle. */
const SHOWN = 200;

/**
 * Characters that could forge lines, colours or reading order in a terminal: control (Cc: newlines, ANSI escapes), format
 * (Cf: bidirectional overrides, zero-width), line and paragraph separators, unpaired surrogates.
 */
const CONTROLS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

const SHORT: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** `text` with control characters written as `\n` or `\u{1b}`. Escaping twice changes nothing more. */
export function escapeControls(text: string): string {
  return text.replace(CONTROLS, (character) => {
    return SHORT.get(character) ?? `\\u{${(character.codePointAt(0) as number).toString(16)}}`;
  });
}

/** An untrusted name as it may be shown: in double quotes, control characters escaped, at most about 200 characters. */
export function quote(name: string): string {
  // No more than what can be shown is escaped: a hostile name may have 100 MB.
  const ends = name.length <= 2 * SHOWN ? name : `${name.slice(0, SHOWN)}${name.slice(-SHOWN)}`;
  const escaped = escapeControls(ends.replace(/["\\]/g, '\\$&'));
  const isWhole = ends === name && escaped.length <= SHOWN;
  return `"${isWhole ? escaped : `${escaped.slice(0, SHOWN / 2)}…${escaped.slice(-SHOWN / 2)}`}"`;
}
