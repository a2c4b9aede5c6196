/** Characters of a refusal, with the path of a file, which may be in it twice and of any length that a path can have. */
const LONGEST_MESSAGE = 5000;

/** What a reader did with a mutant. */
export type Verdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'finding'; readonly what: string };

/** Whether an error is what a user may see: a RadinError of one line. */
export function verdictOf(error: unknown): Verdict {
  if (!(error instanceof Error) || error.name !== 'RadinError') {
    return { kind: 'finding', what: `thrown: ${error instanceof Error ? error.stack : String(error)}` };
  }
  const { message } = error;
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(message.trimEnd()))
    return { kind: 'finding', what: `a message that is not one line: ${JSON.stringify(message)}` };
  if (message.length > LONGEST_MESSAGE) return { kind: 'finding', what: `a message of ${message.length} characters` };
  return { kind: 'refused' };
}
