import { InvalidArgumentError } from 'commander';

/** Parses an integer in [least, most], digits only. */
export function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`an integer from ${least} to ${most}`);
  };
}

/** Parses an integer of either sign, digits only. */
export function signedInteger(text: string): number {
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('an integer');
}

/** Parses a finite number ≥ 0. */
export function nonNegative(text: string): number {
  const value = /^[\d.eE+-]+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('a number ≥ 0');
}

/** Parses a finite number above 0. */
export function positive(text: string): number {
  const value = nonNegative(text);
  if (value > 0) return value;
  throw new InvalidArgumentError('a number above 0');
}

/** Parses a number above 0 and below 1. */
export function properFraction(text: string): number {
  const value = /^[\d.eE+-]+$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value < 1) return value;
  throw new InvalidArgumentError('a number above 0 and below 1');
}

/** Parses a number of bytes: digits, with a unit of 1000 or, with an `i`, 1024 where there is one. */
export function byteCount(text: string): number {
  const [, digits, prefix = '', binary] = /^(\d{1,15}(?:\.\d{1,6})?) ?(?:([KMGT])(i?))?B?$/.exec(text) ?? [];
  const bytes = Number(digits) * (binary ? 1024 : 1000) ** ' KMGT'.indexOf(prefix || ' ');
  if (bytes >= 0 && bytes <= Number.MAX_SAFE_INTEGER) return Math.floor(bytes);
  throw new InvalidArgumentError('a size such as 500M, 20GB or 4GiB');
}

/** Parses a number of bytes above 0. */
export function positiveByteCount(text: string): number {
  const bytes = byteCount(text);
  if (bytes > 0) return bytes;
  throw new InvalidArgumentError('a size above 0');
}

/** Parses a list separated by commas, each entry by `parse`. */
export function list<T>(parse: (text: string) => T): (text: string) => T[] {
  return (text) => text.split(',').map((part) => parse(part.trim()));
}

/** Collects the values of an option that may be given several times. */
export function each(text: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, text];
}

/** Collects `from=to`. */
export function renaming(
  text: string,
  earlier: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at < 0) throw new InvalidArgumentError('FROM=TO, such as module.=');
  const from = text.slice(0, at);
  if (Object.hasOwn(earlier, from)) throw new InvalidArgumentError('each name once');
  return Object.fromEntries([...Object.entries(earlier), [from, text.slice(at + 1)]]);
}
