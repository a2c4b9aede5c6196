import { describe, expect, test } from 'vitest';
import { formatCell } from '../src/format-cell.js';

describe('a cell as people read it', () => {
  test.each([
    ['integer', 12500, '12,500'],
    ['integer', -1234567, '−1,234,567'],
    ['integer', -0.2, '0'],
    ['number', 0.123456, '0.1235'],
    ['number', 25, '25'],
    ['number', -0.00001234, '−1.234e−5'],
    ['number', 1e6, '1e6'],
    ['number', 0, '0'],
    ['percent', 0.932, '93.20\u00a0%'],
    ['percent', 1, '100.00\u00a0%'],
    ['percent', -0.000001, '0.00\u00a0%'],
    ['points', 0.0025, '+0.25'],
    ['points', -0.001, '−0.10'],
    ['points', -0.00001, '+0.00'],
    ['p-value', 0.0123, '0.012'],
    ['p-value', 0.43, '0.43'],
    ['p-value', 1, '1.0'],
    ['p-value', 0.00044, '0.00044'],
    ['p-value', 3.2e-19, '3.2\u00a0×\u00a010⁻¹⁹'],
    ['p-value', 0, '<\u00a010⁻³⁰⁰'],
    ['number', Number.NaN, 'NaN'],
    ['percent', Number.NEGATIVE_INFINITY, '−∞'],
    ['percent', 'n/a', 'n/a'],
    ['text', '-3', '-3'],
    ['text', true, 'yes'],
    ['integer', null, ''],
  ] as const)('%s: %s reads %s', (format, cell, text) => {
    expect(formatCell(cell, format)).toBe(text);
  });
});
