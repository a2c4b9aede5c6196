/** What neither XML nor a reader can take: controls other than tab and line ends, halves of pairs, U+FFFE and U+FFFF. */
const UNFIT = /(?![\t\n\r])\p{Cc}|[\ufffe\uffff]|\p{Cs}/gu;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for HTML and XML, inside elements and quoted attributes; what cannot be written there becomes U+FFFD. */
export function escapeMarkup(text: string): string {
  return writable(text).replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}

/** Marks that change the order of reading of all that follows them: overrides, embeddings and isolates. */
const REORDERING = /[\u202a-\u202e\u2066-\u2069]/g;

/** The same for a sentence that names may stand in: none of them changes the order in which the rest is read. */
export function escapeProse(text: string): string {
  return escapeMarkup(text.replace(REORDERING, '\ufffd'));
}

/** Text with U+FFFD for every character that XML does not allow. */
export function writable(text: string): string {
  return text.replace(UNFIT, '\ufffd');
}

/** JSON for a script element, whose text no string can end: `<` and the line separators are written as escapes. */
export function escapeJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
