import type { Spec } from 'vega';
import { arrangeLegends } from '../legends.js';
import type { ChartData } from '../page-data.js';

/** Below this width a chart is drawn for a phone: shorter labels, fewer columns of legends and panels. */
const NARROW = 520;
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
    spec.config.axisX = { ...spec.config.axisX, titleLimit: Math.round(width * 0.65) };
    spec.config.legend = { ...spec.config.legend, labelLimit: Math.round(width * 0.6) };
  }
  return spec as Spec;
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
