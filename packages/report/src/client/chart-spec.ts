import type { Spec } from 'vega';
import { arrangeLegends } from '../legends.js';
import type { ChartData } from '../page-data.js';
import { textWidth } from '../text-width.js';

/** Below this width a chart is drawn for a phone: shorter labels, fewer columns of legends and panels. */
const NARROW = 520;
/** Font size of titles. */
const TITLE = 12.5;
/** Least width of one panel of several side by side. */
const PANEL = 220;
/** Room for the labels left of all panels, and between two of them. */
const AXIS = 70;
const GAP = 24;

/** Parts of a compiled specification that depend on how wide it is drawn. */
interface Sized {
  width?: number;
  signals?: { name: string; value?: unknown; init?: unknown }[];
  layout?: { columns?: unknown };
  legends?: unknown[];
  scales?: { name: string; domain?: unknown }[];
  axes?: { orient?: string; title?: unknown }[];
  config?: { axis?: object; axisX?: object; legend?: object };
  data?: { name: string; values?: unknown }[];
}

/** A chart's specification for vega's runtime: its rows filled in, at this width, in the colours of the theme. */
export function specFor(
  chart: ChartData,
  rows: readonly object[],
  width: number,
  dark: Readonly<Record<string, string>> | undefined,
): Spec {
  const swap = (_key: string, value: unknown) => (typeof value === 'string' ? (dark?.[value] ?? value) : value);
  const spec = JSON.parse(JSON.stringify(arrangement(chart, width)), swap) as Sized;
  for (const source of spec.data ?? []) {
    // vega adds its own marks to the objects that it is given.
    if (source.name === 'table') source.values = rows.map((row) => ({ ...row }));
  }
  if (spec.width !== undefined) spec.width = width;
  fitPanels(spec, width);
  arrangeLegends(spec, rows, width);
  if (width < NARROW && spec.config !== undefined) {
    spec.config.axis = { ...spec.config.axis, labelLimit: Math.round(width * 0.3) };
    const title = Math.round(width * 0.65);
    spec.config.axisX = { ...spec.config.axisX, titleLimit: title };
    for (const axis of spec.axes ?? []) {
      if (axis.orient === 'bottom' && typeof axis.title === 'string') axis.title = wrapped(axis.title, 0.9 * title);
    }
    spec.config.legend = { ...spec.config.legend, labelLimit: Math.round(width * 0.6) };
  }
  return spec as Spec;
}

/** A title as lines of at most this width, in pixels; a longer word has a line of its own, which is cut. */
function wrapped(title: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of title.split(' ')) {
    const longer = `${lines.at(-1) ?? ''} ${word}`;
    if (lines.length > 0 && textWidth(longer, TITLE, true) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** Panels side by side, or below each other where they would be too narrow. */
function arrangement({ spec, stacked }: ChartData, width: number): unknown {
  const columns = (spec as Sized).layout?.columns;
  return stacked !== null && typeof columns === 'number' && width < columns * PANEL ? stacked : spec;
}

/** Panels of facets share the width. */
function fitPanels(spec: Sized, width: number): void {
  const panel = spec.signals?.find(({ name }) => name === 'child_width');
  const columns = spec.layout?.columns;
  if (panel === undefined || typeof columns !== 'number') return;
  panel.value = Math.floor((width - AXIS) / columns) - GAP;
}
