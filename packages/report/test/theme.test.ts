import { describe, expect, test } from 'vitest';
import { DARK, LIGHT, namedColours } from '../src/theme.js';

type Triple = readonly [number, number, number];

function linear(colour: string): Triple {
  const channel = (start: number) => {
    const value = Number.parseInt(colour.slice(start, start + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

/** WCAG 2.2, contrast ratio. */
function contrast(first: string, second: string): number {
  const luminance = (colour: string) => {
    const [red, green, blue] = linear(colour);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [high = 0, low = 0] = [luminance(first), luminance(second)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

/** Machado, Oliveira and Fernandes (2009), severity 1, on linear light. */
const VISION: Record<string, readonly Triple[]> = {
  full: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function oklab([red, green, blue]: Triple): Triple {
  const l = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const m = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const s = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function seen(colour: string, vision: readonly Triple[]): Triple {
  const light = linear(colour);
  const [red = 0, green = 0, blue = 0] = vision.map((row) => {
    const sum = row[0] * light[0] + row[1] * light[1] + row[2] * light[2];
    return Math.min(1, Math.max(0, sum));
  });
  return oklab([red, green, blue]);
}

describe.each([
  ['light', LIGHT],
  ['dark', DARK],
])('the %s theme', (_, theme) => {
  test('has text of contrast 4.5 and more on both grounds', () => {
    for (const colour of [theme.ink, theme.muted, theme.accent]) {
      for (const ground of [theme.page, theme.surface]) expect(contrast(colour, ground)).toBeGreaterThanOrEqual(4.5);
    }
  });

  test('has marks of contrast 3 and more', () => {
    for (const colour of [...theme.series, ...theme.ramp, ...theme.diverging])
      expect(contrast(colour, theme.surface), colour).toBeGreaterThanOrEqual(3);
  });

  test.each(Object.entries(VISION))('has series that differ to readers with %s colour vision', (name, vision) => {
    const colours = theme.series.map((colour) => seen(colour, vision));
    for (const [index, first] of colours.entries()) {
      for (const second of colours.slice(0, index)) {
        const difference = Math.hypot(first[0] - second[0], first[1] - second[1], first[2] - second[2]);
        expect(difference).toBeGreaterThanOrEqual(name === 'tritanopia' ? 0.08 : 0.1);
      }
    }
  });

  test('writes on areas of every amount with a contrast of 4.5 and more', () => {
    const { heat, onLittle, onMuch } = theme;
    for (let at = 0; at <= 100; at++) {
      const place = (at / 100) * (heat.length - 1);
      const [from, to] = [heat[Math.floor(place)], heat[Math.ceil(place)]] as [string, string];
      const channel = (start: number) => {
        const [a, b] = [from, to].map((colour) => Number.parseInt(colour.slice(start, start + 2), 16)) as [
          number,
          number,
        ];
        return Math.round(a + (b - a) * (place % 1))
          .toString(16)
          .padStart(2, '0');
      };
      const colour = `#${channel(1)}${channel(3)}${channel(5)}`;
      expect(contrast(at > 50 ? onMuch : onLittle, colour), `${at} %`).toBeGreaterThanOrEqual(4.5);
    }
  });

  test('names each colour once', () => {
    const colours = namedColours(theme).map(([, colour]) => colour);
    expect(new Set(colours).size).toBe(colours.length);
  });
});
