import type { Metric } from '../metric/index.js';

/** U+2212, as wide as a plus sign, which a hyphen is not; files for programs have hyphens. */
const MINUS = '\u2212';

/** A number of bytes in a unit of 1024, of three significant digits: `1.25 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  const value = bytes / 1024 ** power;
  return `${value < 1000 ? Number(value.toPrecision(3)) : Math.round(value)} ${units[power]}`;
}

/** A score as people read it: a fraction as a percentage, else with its unit. */
export function formatScore(score: number, { unit }: Pick<Metric, 'unit'>): string {
  return unit === 'fraction' ? `${fixed(100 * score, 2)} %` : `${plain(score, unit)} ${unit}`.trimEnd();
}

/** A difference of two scores, with its sign. */
export function formatGain(difference: number, { unit }: Pick<Metric, 'unit'>): string {
  if (unit === 'fraction') return `${signed(100 * difference, 2)} points`;
  return `${signedScore(difference, { unit })} ${unit}`.trimEnd();
}

/** What a metric's scores are, where its name alone misleads: `mse (negated)`, of which more is better all the same. */
export function metricTitle({ name, negated }: Pick<Metric, 'name' | 'negated'>): string {
  return negated ? `${name} (negated)` : name;
}

/** Sizes of numbers without a scale of their own that four decimals show well; others have four digits. */
const [SMALL_NUMBER, LARGE_NUMBER] = [0.1, 1e5];

function plain(value: number, unit: string): string {
  return plainScore(value, { unit }).replace('-', MINUS);
}

/** A difference of scores that are no fractions, with its sign and without its unit. */
export function signedScore(difference: number, { unit }: Pick<Metric, 'unit'>): string {
  return withSign(plain(difference, unit));
}

/** A score that is no fraction as a number in a table, without its unit. */
export function plainScore(value: number, { unit }: Pick<Metric, 'unit'>): string {
  const size = Math.abs(value);
  if (unit !== 'nats' && size > 0 && (size < SMALL_NUMBER || size >= LARGE_NUMBER)) return value.toPrecision(4);
  const text = value.toFixed(4);
  return Number(text) === 0 ? text.replace('-', '') : text;
}

/** A number with its sign, which what rounds to zero has not lost: `+0.25`, `−0.10`, `+0.00`. */
export function signed(value: number, digits: number): string {
  return withSign(fixed(value, digits));
}

function withSign(text: string): string {
  return text.startsWith(MINUS) ? text : `+${text}`;
}

/** Below it a p-value is written as a power of ten. */
const SMALL = 1e-4;
const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** A p-value of two significant digits: `0.43`, `0.00044`, `1.0 × 10⁻⁷`; one that no double holds is `< 10⁻³⁰⁰`. */
export function formatPValue(pValue: number): string {
  if (pValue === 0) return '< 10⁻³⁰⁰';
  if (!(pValue < SMALL)) return pValue.toPrecision(2);
  const [digits, exponent = ''] = pValue.toExponential(1).split('e-');
  return `${digits} × 10⁻${exponent.replace(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)] as string)}`;
}

/** A p-value in a sentence: `p = 0.012`. */
export function pValueText(pValue: number): string {
  return pValue === 0 ? `p ${formatPValue(pValue)}` : `p = ${formatPValue(pValue)}`;
}

/** What rounds to zero has no sign. */
function fixed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace('-', '') : text.replace('-', MINUS);
}
