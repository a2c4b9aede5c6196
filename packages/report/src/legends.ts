import { textWidth } from './text-width.js';

/** As far as labels of legends are written, in pixels; the theme's font size of them. */
export const LEGEND_LABEL = { limit: 260, fontSize: 12 };
/** Of an entry besides its label: the symbol and the gap to the next. */
const SYMBOL = 44;
/** Of the axis beside which legends begin. */
const AXIS = 80;
/** Of the title beside a ramp of colours, and the least width of both in which the title does not stand above it. */
const RAMP = { title: 60, beside: 520 };

/** Channels by which a legend names its scale. */
const CHANNELS = ['fill', 'stroke', 'shape', 'size', 'opacity', 'strokeDash', 'strokeWidth'] as const;

type Legend = { columns?: unknown; titleOrient?: string; gradientLength?: number } & {
  readonly [Channel in (typeof CHANNELS)[number]]?: unknown;
};

interface Compiled {
  readonly legends?: readonly unknown[];
  readonly scales?: readonly { readonly name: string; readonly domain?: unknown }[];
}

/**
 * Gives each legend above a chart of this width as many columns as its longest label leaves room for: one that is wider than
 * the chart would leave no room to the plot.
 * @param spec a compiled specification, which is changed
 */
export function arrangeLegends(spec: Compiled, rows: readonly object[], width: number): void {
  for (const legend of (spec.legends ?? []) as Legend[]) {
    if (legend.gradientLength !== undefined) {
      if (width >= RAMP.beside) continue;
      legend.titleOrient = 'top';
      legend.gradientLength = Math.min(legend.gradientLength, width - AXIS - RAMP.title);
      continue;
    }
    if (legend.columns !== undefined) continue;
    const scale = spec.scales?.find(({ name }) => CHANNELS.some((channel) => legend[channel] === name));
    const widths = labelsOf(scale?.domain, rows).map((label) => textWidth(label, LEGEND_LABEL.fontSize, false));
    const entry = Math.min(LEGEND_LABEL.limit, Math.max(0, ...widths)) + SYMBOL;
    legend.columns = Math.max(1, Math.floor((width - AXIS) / entry));
  }
}

/** The distinct values of a scale: those that it lists, or those of its fields in the rows. */
function labelsOf(domain: unknown, rows: readonly object[]): string[] {
  if (Array.isArray(domain)) return domain.map(String);
  const { field, fields } = (domain ?? {}) as { field?: unknown; fields?: readonly unknown[] };
  const named = (fields ?? [field]).map((item) =>
    typeof item === 'string' ? item : (item as { field?: string })?.field,
  );
  const values = rows.flatMap((row) => named.map((name) => (row as Record<string, unknown>)[name ?? '']));
  return [...new Set(values)].filter((value) => value !== undefined && value !== null).map(String);
}
