import { setImmediate as nextTurn } from 'node:timers/promises';
import * as vega from 'vega';
import { expressionInterpreter } from 'vega-interpreter';
import { compile, type TopLevelSpec } from 'vega-lite';
import { dataRows, fieldNames, renameFields } from './chart-data.js';
import { escapeMarkup, writable } from './escape.js';
import { arrangeLegends } from './legends.js';
import type { Chart, ChartSpec } from './page.js';
import { textWidth } from './text-width.js';
import { chartConfig, LIGHT, namedColours } from './theme.js';

/** Keys of specifications with several panels, whose widths are those of the panels. */
const PANELS = ['facet', 'spec', 'repeat', 'concat', 'hconcat', 'vconcat'];

/** Of a chart where nobody asks for another width, in pixels. */
const WIDTH = 760;

interface TextItem {
  readonly fontSize?: number;
  readonly fontWeight?: number | string;
  readonly limit?: number;
}

// vega takes 0.8 of the font's size for every character where it has no canvas, and charts get wide margins.
const { textMetrics } = vega as unknown as { textMetrics: { width: (item: TextItem, text: unknown) => number } };
textMetrics.width = ({ fontSize = 11, fontWeight, limit }, text) => {
  const width = textWidth(String(text ?? ''), fontSize, Number(fontWeight) >= 600 || fontWeight === 'bold');
  return limit === undefined || limit <= 0 ? width : Math.min(width, limit);
};

const SILENT = {
  level: () => SILENT,
  error: () => SILENT,
  warn: () => SILENT,
  info: () => SILENT,
  debug: () => SILENT,
} as unknown as vega.LoggerInterface;

/** What a chart draws is in its data: nothing is read, be it for a picture. */
const REFUSES = () => Promise.reject(new Error('A chart draws its own data'));
const NO_FILES = { load: REFUSES, sanitize: REFUSES, http: REFUSES, file: REFUSES } as unknown as vega.Loader;

/** A chart compiled for vega's runtime in the light theme, its data to be filled in under the name `table`. */
export function compileChart(chart: Chart, names: readonly (string | undefined)[], title?: string): vega.Spec {
  const isPanels = PANELS.some((key) => key in chart.spec);
  const spec = {
    ...(isPanels ? { autosize: 'pad' } : { width: WIDTH }),
    ...(renameFields(chart, names) as object),
    ...(title === undefined ? {} : { title, padding: 20 }),
    data: { name: 'table' },
  } as TopLevelSpec;
  const compiled = compile(spec, { config: chartConfig(LIGHT), logger: SILENT }).spec;
  // vega would take the address for an empty table where its loader refuses.
  for (const source of compiled.data ?? []) {
    if ('url' in source) throw new Error(`Expected chart ${chart.id} to draw its own data but it asks for a file`);
  }
  return fewerTicks(compiled) as vega.Spec;
}

/** A chart of panels side by side, compiled with its panels below each other; nothing for other charts. */
export function compileStacked(chart: Chart, names: readonly (string | undefined)[]): vega.Spec | null {
  if (!('columns' in chart.spec)) return null;
  const spec = { ...chart.spec, columns: 1 } as ChartSpec;
  return compileChart({ ...chart, spec }, names);
}

/** vega-lite asks for a tick every 40 pixels, where labels of scores do not fit: every other one is left out, zero too. */
function fewerTicks(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fewerTicks);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => {
    const [, length, side] = (key === 'tickCount' && /^ceil\((\w*(width|height))\/40\)$/.exec(item?.signal)) || [];
    return [
      key,
      length === undefined ? fewerTicks(item) : { signal: `max(4, ceil(${length}/${side === 'width' ? 90 : 55}))` },
    ];
  });
  return Object.fromEntries(entries);
}

/**
 * A chart as SVG for its page, in the page's colours, whichever the theme. Where colours are mixed, as for a ramp, they are the
 * light theme's: such a drawing is on paper in either.
 */
export async function drawForPage(chart: Chart): Promise<string> {
  const svg = await draw(chart);
  const isMixed = /<[^>]* (?:fill|stroke|stop-color)="(?:rgb|url)\(/.test(svg);
  const variables = new Map(namedColours(LIGHT).map(([name, colour]) => [colour, `var(${name})`]));
  const drawing = inTags(svg, (tag) =>
    tag.replace(/ (fill|stroke|stop-color)="(#[0-9a-f]{6})"/g, (whole, name: string, colour: string) => {
      const variable = variables.get(colour);
      return variable === undefined || isMixed ? whole : ` ${name}="${variable}"`;
    }),
  );
  const hidden = drawing.replace('<svg', '<svg aria-hidden="true"');
  return isMixed ? `<div class="paper">${hidden}</div>` : hidden;
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
  // vega's own promises let no signal or timer in, and the charts of a page take a second and more.
  await nextTurn();
  const names = fieldNames(chart);
  const spec = compileChart(chart, names, title);
  const rows = dataRows(chart.data.rows, names);
  for (const source of spec.data ?? []) {
    if (source.name === 'table') Object.assign(source, { values: rows });
  }
  arrangeLegends(spec, rows, WIDTH);
  // The interpreter, as in the page: both draw the same.
  const runtime = vega.parse(spec, undefined, { ast: true });
  const view = new vega.View(runtime, {
    renderer: 'none',
    expr: expressionInterpreter,
    loader: NO_FILES,
    logger: SILENT,
  });
  try {
    // Inline styles are refused by the page's policy; all that vega writes there is for the pointer.
    const svg = inTags(writable(await view.toSVG()), (tag) => tag.replace(/ style="[^"]*"/g, ''));
    return withOwnIds(svg, `chart_${chart.id}_`);
  } finally {
    view.finalize();
  }
}

/** vega counts ids up from drawing to drawing: here they are the same each time, and no other chart's. */
function withOwnIds(svg: string, prefix: string): string {
  const own = new Map<string, string>();
  const rename = (id: string) => {
    if (!own.has(id)) own.set(id, prefix + own.size);
    return own.get(id) as string;
  };
  return inTags(svg, (tag) =>
    tag
      .replace(/ id="([^"]*)"/g, (_, id: string) => ` id="${rename(id)}"`)
      .replace(/url\(#([^)]*)\)/g, (_, id: string) => `url(#${rename(id)})`),
  );
}

/** Text of the data stands between tags only: there a `>` is written as an entity. */
function inTags(svg: string, change: (tag: string) => string): string {
  return svg.replace(/<[^>]*>/g, change);
}
