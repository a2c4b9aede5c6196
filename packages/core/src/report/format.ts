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
export function formatScore(score: number, { unit }: Metric): string {
  return unit === 'fraction' ? `${fixed(100 * score, 2)} %` : `${fixed(score, 4)} ${unit}`;
}

/** A difference of two scores, with its sign. */
export function formatGain(difference: number, { unit }: Metric): string {
  return unit === 'fraction' ? `${signed(100 * difference, 2)} points` : `${signed(difference, 4)} ${unit}`;
}

/** A number with its sign, which what rounds to zero has not lost: `+0.25`, `−0.10`, `+0.00`. */
export function signed(value: number, digits: number): string {
  const text = fixed(value, digits);
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
