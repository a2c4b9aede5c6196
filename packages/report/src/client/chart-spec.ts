import type { Spec } from 'vega';
import type { ChartData } from '../page-data.js';

/** Below this width a chart is drawn for a phone: shorter labels, fewer columns of legends and panels. */
const NARROW = 520;
/** Of one entry of a legend, in pixels. */
const LEGEND_COLUMN = 150;
/** Least width of one panel of several side by side. */
const PANEL = 220;

/** Parts of a compiled specification that depend on how wide it is drawn. */
interface Sized {
  width?: number;
  signals?: { name: string; value?: unknown; init?: unknown }[];
  layout?: { columns?: unknown };
  legends?: { columns?: number; orient?: string }[];
  config?: { axis?: { labelLimit?: number } };
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
  const spec = JSON.parse(JSON.stringify(chart.spec), swap) as Sized;
  for (const source of spec.data ?? []) {
    // vega adds its own marks to the objects that it is given.
    if (source.name === 'table') source.values = rows.map((row) => ({ ...row }));
  }
  if (spec.width !== undefined) spec.width = width;
  fitPanels(spec, width);
  for (const legend of spec.legends ?? []) legend.columns ??= Math.max(1, Math.floor((width - 80) / LEGEND_COLUMN));
  if (width < NARROW && spec.config?.axis !== undefined) spec.config.axis.labelLimit = Math.round(width * 0.3);
  return spec as Spec;
}

/** Panels of facets share the width; where they would be too narrow and may wrap, there are fewer side by side. */
function fitPanels(spec: Sized, width: number): void {
  const panel = spec.signals?.find(({ name }) => name === 'child_width');
  if (panel === undefined || typeof spec.layout?.columns !== 'number') return;
  const columns = Math.max(1, Math.min(spec.layout.columns, Math.floor(width / PANEL)));
  spec.layout.columns = columns;
  panel.value = Math.floor((width - 70) / columns) - 30;
}
