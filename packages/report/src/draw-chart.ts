import * as vega from 'vega';
import { expressionInterpreter } from 'vega-interpreter';
import { compile, type TopLevelSpec } from 'vega-lite';
import { dataRows, fieldNames, renameFields } from './chart-data.js';
import { escapeMarkup, writable } from './escape.js';
import type { Chart } from './page.js';
import { textWidth } from './text-width.js';
import { chartConfig, LIGHT, namedColours } from './theme.js';

/** Keys of specifications with several panels, whose widths are those of the panels. */
const PANELS = ['facet', 'spec', 'repeat', 'concat', 'hconcat', 'vconcat'];

/** Of a chart where nobody asks for another width, in pixels. */
const WIDTH = 760;

interface TextItem {
  readonly fontSize?: number;
  readonly fontWeight?: number | string;
}

// vega takes 0.8 of the font's size for every character where it has no canvas, and charts get wide margins.
const { textMetrics } = vega as unknown as { textMetrics: { width: (item: TextItem, text: unknown) => number } };
textMetrics.width = (item, text) =>
  textWidth(String(text ?? ''), item.fontSize ?? 11, Number(item.fontWeight) >= 600 || item.fontWeight === 'bold');

const SILENT = {
  level: () => SILENT,
  error: () => SILENT,
  warn: () => SILENT,
  info: () => SILENT,
  debug: () => SILENT,
} as unknown as vega.LoggerInterface;

/** A specification that reads files or addresses is a mistake: what a chart draws is in its data. */
const REFUSES = () => Promise.reject(new Error('Expected a chart to draw its own data but it asked for a file'));
const NO_FILES = { load: REFUSES, sanitize: REFUSES, http: REFUSES, file: REFUSES } as unknown as vega.Loader;

/** A chart compiled for vega's runtime in the light theme, its data to be filled in under the name `table`. */
export function compileChart(chart: Chart, names: readonly (string | undefined)[], title?: string): vega.Spec {
  const isPanels = PANELS.some((key) => key in chart.spec);
  const spec = {
    ...(isPanels ? { autosize: 'pad' } : { width: WIDTH }),
    ...(renameFields(chart, names) as object),
    ...(title === undefined ? {} : { title }),
    data: { name: 'table' },
  } as TopLevelSpec;
  return compile(spec, { config: chartConfig(LIGHT), logger: SILENT }).spec;
}

/** A chart as SVG for its page: its colours are the page's, nothing but its text comes from the data. */
export async function drawForPage(chart: Chart): Promise<string> {
  const svg = await draw(chart);
  const variables = new Map(namedColours(LIGHT).map(([name, colour]) => [colour, `var(${name})`]));
  return inTags(svg, (tag) =>
    tag
      // A page may hold several drawings, whose ids are all counted from zero.
      .replace(/ id="/g, ` id="chart_${chart.id}_`)
      .replace(/url\(#/g, `url(#chart_${chart.id}_`)
      .replace(/ (fill|stroke|stop-color)="(#[0-9a-f]{6})"/g, (whole, name: string, colour: string) => {
        const variable = variables.get(colour);
        return variable === undefined ? whole : ` ${name}="${variable}"`;
      }),
  );
}

/** A chart as an SVG file of its own: light, with its title, readable where fonts and styles are not the page's. */
export async function drawAlone(chart: Chart): Promise<string> {
  const svg = await draw(chart, chart.title);
  const [, head = '', rest = ''] = /^(<svg[^>]*>)(.*)$/s.exec(svg) ?? [];
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    head.replace('<svg', '<svg role="img"'),
    `<title>${escapeMarkup(chart.title)}</title><desc>${escapeMarkup(chart.description)}</desc>`,
    `<rect width="100%" height="100%" fill="${LIGHT.surface}"/>`,
    rest,
    '\n',
  ].join('');
}

async function draw(chart: Chart, title?: string): Promise<string> {
  const names = fieldNames(chart);
  const spec = compileChart(chart, names, title);
  fill(spec, dataRows(chart.data.rows, names));
  // The interpreter, as in the page: both draw the same.
  const runtime = vega.parse(spec, undefined, { ast: true });
  const view = new vega.View(runtime, { renderer: 'none', expr: expressionInterpreter, loader: NO_FILES, logger: SILENT });
  try {
    // Inline styles are refused by the page's policy; all that vega writes there is for the pointer.
    return inTags(writable(await view.toSVG()), (tag) => tag.replace(/ style="[^"]*"/g, ''));
  } finally {
    view.finalize();
  }
}

/** Gives a compiled chart its rows. */
function fill(spec: vega.Spec, values: Record<string, unknown>[]): void {
  const source = spec.data?.find(({ name }) => name === 'table');
  if (source !== undefined) Object.assign(source, { values });
}

/** Text of the data stands between tags only: there a `>` is written as an entity. */
function inTags(svg: string, change: (tag: string) => string): string {
  return svg.replace(/<[^>]*>/g, change);
}
