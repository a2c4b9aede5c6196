import { describe, expect, it } from 'vitest';
import { heatScale } from '../src/pool/heat-scale.js';

describe('the scale of a heat map', () => {
  const place = (share: number, shares: readonly number[]) => {
    const { low, exponent } = heatScale(shares);
    return ((share - low) / (Math.max(...shares) - low)) ** exponent;
  };

  it('has the median in the middle', () => {
    const shares = [0.02, 0.05, 0.07, 0.08, 0.3];
    expect(place(0.07, shares)).toBeCloseTo(0.5, 1);
    const { middle } = heatScale(shares);
    expect(place(middle, shares)).toBeCloseTo(0.5, 6);
  });

  it('leaves the others contrast beside a model that disagrees with all', () => {
    const shares = [
      ...Array.from({ length: 100 }, (_, k) => 0.1 + k / 1000),
      ...Array.from({ length: 20 }, () => 0.97),
    ];
    expect(place(0.199, shares) - place(0.11, shares)).toBeGreaterThan(0.2);
  });

  it('has figures between its ends, and one where all shares are equal', () => {
    const { ticks } = heatScale([0.02, 0.05, 0.07, 0.08, 0.3]);
    expect(ticks.length).toBeGreaterThanOrEqual(3);
    for (const tick of ticks) expect(tick).toBeGreaterThan(0.02);
    expect(heatScale([0.25, 0.25])).toEqual({ low: 0.25, exponent: 1, middle: 0.25, ticks: [0.25] });
    expect(heatScale([0, 0, 0])).toEqual({ low: 0, exponent: 1, middle: 0, ticks: [0] });
  });
});
