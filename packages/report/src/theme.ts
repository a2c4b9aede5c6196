import type { Config } from 'vega-lite';
import { LEGEND_LABEL } from './legends.js';

/** The colours of a page and its charts, as hexadecimal numbers; each of a theme differs from its others. */
export interface Theme {
  /** Behind everything. */
  readonly page: string;
  /** Behind text in cards and behind charts. */
  readonly surface: string;
  readonly ink: string;
  /** Text of less weight, on both grounds. */
  readonly muted: string;
  /** Lines that only arrange: of grids, tables and cards. */
  readonly line: string;
  /** Links, focus and what is selected. */
  readonly accent: string;
  /** Categories in their order. */
  readonly series: readonly string[];
  /** From little to much. */
  readonly ramp: readonly string[];
  /** From nearly the ground to much: of areas beside each other, which need no outline. */
  readonly heat: readonly string[];
  /** Text on the lower and on the upper half of `heat`. */
  readonly onLittle: string;
  readonly onMuch: string;
  /** From below to above, with the middle between. */
  readonly diverging: readonly string[];
}

/**
 * Contrast on `surface`: text 4.5 and more, marks 3 and more. The series are hues of Okabe and Ito, moved until any two differ
 * by at least 0.1 in OKLab to readers with full colour vision and with protanopia, deuteranopia and (0.08) tritanopia.
 */
export const LIGHT: Theme = {
  page: '#f6f6f3',
  surface: '#ffffff',
  ink: '#1b1f27',
  muted: '#59616e',
  line: '#e3e5e8',
  accent: '#0b5cad',
  series: ['#174e93', '#c43403', '#087b5a', '#ca67a2', '#3698df', '#a88f4d', '#1e222b'],
  ramp: ['#7b92ad', '#5b86b4', '#2f66a3', '#174785', '#0b2a5c'],
  heat: ['#edf3fa', '#a9c7e4', '#3d79b6', '#21528c', '#0a2955'],
  onLittle: '#000000',
  onMuch: '#fefefe',
  diverging: ['#9c2a02', '#cf6b3d', '#8d929b', '#4a84c0', '#123f7a'],
};

export const DARK: Theme = {
  page: '#0e1014',
  surface: '#15181d',
  ink: '#eceff5',
  muted: '#a4adba',
  line: '#2d323a',
  accent: '#7cc0ff',
  series: ['#44b0f5', '#c76e13', '#6be1ac', '#e17fb0', '#7d6acf', '#fdca3f', '#e9edf9'],
  ramp: ['#536a86', '#5a86b5', '#62a5de', '#8cc7f7', '#d3eaff'],
  heat: ['#1d2733', '#28486b', '#3d7ab7', '#88bff2', '#def0ff'],
  onLittle: '#ffffff',
  onMuch: '#010101',
  diverging: ['#f5a06b', '#c97a4a', '#858b96', '#5a9bd6', '#9bd0ff'],
};

/** Fonts of the reader's system; the last two are for programs that draw an SVG without asking the system. */
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif';

/** The colours of a theme under the names that the stylesheet gives them. */
export function namedColours(theme: Theme): [name: string, colour: string][] {
  const { page, surface, ink, muted, line, accent, series, ramp, heat, onLittle, onMuch, diverging } = theme;
  const numbered = (name: string, colours: readonly string[]) =>
    colours.map((colour, index): [string, string] => [`--${name}-${index}`, colour]);
  return [
    ['--page', page],
    ['--surface', surface],
    ['--ink', ink],
    ['--muted', muted],
    ['--line', line],
    ['--accent', accent],
    ...numbered('series', series),
    ...numbered('ramp', ramp),
    ...numbered('heat', heat),
    ['--on-little', onLittle],
    ['--on-much', onMuch],
    ...numbered('diverging', diverging),
  ];
}

/** What every chart is drawn with; text measures 12 pixels and more. */
export function chartConfig({ surface, ink, muted, line, series, ramp, heat, diverging }: Theme): Config {
  const category = [...series];
  const text = {
    labelColor: muted,
    titleColor: ink,
    labelFontSize: 12,
    titleFontSize: 12.5,
    titleFontWeight: 600,
  } as const;
  return {
    // The drawing has one text alternative, that of the figure.
    aria: false,
    background: 'transparent',
    font: FONT,
    padding: 4,
    autosize: { type: 'fit-x', contains: 'padding' },
    view: { stroke: null, continuousHeight: 320, discreteHeight: { step: 24 } },
    axis: {
      ...text,
      gridColor: line,
      domainColor: muted,
      tickColor: muted,
      tickSize: 4,
      labelPadding: 6,
      titlePadding: 12,
      labelLimit: 240,
    },
    axisX: { grid: false, titleLimit: 480 },
    axisY: { domain: false, ticks: false, titleLimit: 300, maxExtent: 320 },
    legend: {
      ...text,
      orient: 'top',
      symbolSize: 90,
      symbolOpacity: 1,
      labelLimit: LEGEND_LABEL.limit,
      titleOrient: 'left',
      columnPadding: 18,
      offset: 12,
    },
    header: {
      labelColor: ink,
      titleColor: ink,
      labelFontSize: 12.5,
      labelFontWeight: 600,
      titleFontSize: 12.5,
      labelLimit: 320,
    },
    title: { color: ink, fontSize: 16, fontWeight: 600, anchor: 'start', frame: 'bounds', offset: 16, limit: 720 },
    mark: { color: series[0] as string },
    point: { filled: true, size: 70, opacity: 0.85, stroke: surface, strokeWidth: 0.8 },
    circle: { size: 70, opacity: 0.85 },
    line: { strokeWidth: 2.5, strokeJoin: 'round', strokeCap: 'round' },
    area: { opacity: 0.3 },
    bar: { cornerRadiusEnd: 2 },
    rule: { color: muted },
    tick: { thickness: 2 },
    text: { color: ink, fontSize: 12 },
    range: { category, ordinal: [...ramp], ramp: [...ramp], heatmap: [...heat], diverging: [...diverging] },
  };
}
