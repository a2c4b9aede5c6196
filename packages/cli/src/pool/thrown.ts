/** The text, on one line, of whatever was thrown, which need not be an error, nor have a text. */
export function reason(error: unknown): string {
  const text = error instanceof Error ? String(error.message) : typeof error === 'string' ? error : '';
  return text.replace(/\s+/g, ' ').trim() || 'an error';
}
