import { formatPValue } from '@radin/core/format';
import type { Cell, Column } from './page.js';

/** A no-break space: a figure and its unit stay on one line. */
export const SPACE = '\u00a0';
/** As wide as a plus sign, which a hyphen is not. */
const MINUS = '\u2212';

/**
 * A cell as people read it: in the page, its tooltips and Markdown alike.
 * - `integer`: thousands grouped (12,500); a value that is no integer is rounded;
 * - `number`: four significant digits, as a power of ten outside [1e-4, 1e6);
 * - `percent`: a fraction as a percentage with two decimals (93.20 %);
 * - `points`: a difference of fractions in percentage points, signed, with two decimals (+0.25);
 * - `p-value`: two significant digits, as a power of ten below 0.0001 (0.43, 0.00044, 1.0 × 10⁻⁷).
 * `null` is empty, booleans are “yes” and “no”, text is left as it is in every format.
 */
export function formatCell(cell: Cell, format: Column['format']): string {
  if (cell === null) return '';
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  if (typeof cell === 'string') return cell;
  if (Number.isNaN(cell)) return 'NaN';
  if (!Number.isFinite(cell)) return cell < 0 ? `${MINUS}∞` : '∞';
  return FORMATS[format](cell).replaceAll('-', MINUS);
}

/** Whether a column is of numbers, which are aligned to the right. */
export function isNumeric(format: Column['format']): boolean {
  return format !== 'text';
}

const FORMATS: Record<Column['format'], (value: number) => string> = {
  text: String,
  integer: (value) => grouped(Math.round(value)),
  number: (value) => significant(value),
  percent: (value) => `${fixed(100 * value)}${SPACE}%`,
  points: (value) => (Number(fixed(100 * value)) < 0 ? fixed(100 * value) : `+${fixed(100 * value)}`),
  'p-value': (value) => formatPValue(value).replaceAll(' ', SPACE),
};

function significant(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e6))
    return value
      .toExponential(3)
      .replace(/\.?0+e\+?/, 'e')
      .replace('e+', 'e');
  return String(Number(value.toPrecision(4)));
}

/** Two decimals; what rounds to zero has no sign. */
function fixed(value: number): string {
  const text = value.toFixed(2);
  return Number(text) === 0 ? '0.00' : text;
}

function grouped(value: number): string {
  return String(value === 0 ? 0 : value).replace(/\B(?=(\d{3})+$)/g, ',');
}
