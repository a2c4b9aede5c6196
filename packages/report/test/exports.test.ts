import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { chartsOf } from '../src/check-page.js';
import { csv } from '../src/csv.js';
import { drawForPage } from '../src/draw-chart.js';
import { EXPORT_FORMATS, exportPage } from '../src/index.js';
import { markdown } from '../src/markdown.js';
import type { Cell, Chart, Page, Table } from '../src/page.js';
import { demonstration } from './demonstration.js';
import { HOSTILE_NAMES, hostilePage } from './hostile.js';

const root = mkdtempSync(join(tmpdir(), 'radin-report-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function tableOf(rows: Cell[][], names = ['name', 'value']): Table {
  const columns = names.map((name) => ({ name, title: name, format: 'text' as const }));
  return { id: 'some', title: 'Some', columns, rows };
}

describe('CSV', () => {
  test('quotes what has a comma, a quote or a line end, and ends lines in CRLF', () => {
    expect(
      csv(
        tableOf([
          ['a,b', 'say "x"'],
          ['two\nlines', null],
        ]),
      ),
    ).toBe('name,value\r\n"a,b","say ""x"""\r\n"two\nlines",\r\n');
  });

  test('keeps numbers whole, negative ones too', () => {
    expect(
      csv(
        tableOf([
          [-0.1, 1 / 3],
          [1e-9, true],
        ]),
      ),
    ).toBe('name,value\r\n-0.1,0.3333333333333333\r\n1e-9,true\r\n');
  });

  test.each(['=1+1', '+cmd', '-2+3', '@SUM(A1)', ' =1', '\t=1', '＝1', '=HYPERLINK("http://x","y")'])(
    'no spreadsheet computes the text %j',
    (text) => {
      const field = csv(tableOf([[text, 1]])).split('\r\n')[1] as string;
      expect(field.replace(/^"/, '').startsWith("'")).toBe(true);
    },
  );

  test.each(['-3', '+0.5', '-1e-9', 'a=b', '3-4'])('the text %j is left as it is', (text) => {
    expect(csv(tableOf([[text, 1]]))).toContain(`\r\n${text},1\r\n`);
  });

  test('names of columns are text like any other', () => {
    expect(csv(tableOf([], ['=a', 'b,c']))).toBe('\'=a,"b,c"\r\n');
  });
});

describe('Markdown', () => {
  test('reads numbers as the page does and shows text as it is', () => {
    const table: Table = {
      id: 'some',
      title: 'A *title*',
      columns: [
        { name: 'a', title: 'Model', format: 'text' },
        { name: 'b', title: 'Score', format: 'percent' },
      ],
      rows: [['<img src=x>|`y`\n[z](w)', 0.5]],
    };
    expect(markdown(table)).toBe(
      '**A \\*title\\***\n\n| Model | Score |\n| --- | ---: |\n| &lt;img src=x&gt;\\|\\`y\\`<br>\\[z\\](w) | 50.00\u00a0% |\n',
    );
  });
});

describe('the files of a page', () => {
  const page = demonstration({ models: 13, candidates: 30 });
  const chart = page.sections.flatMap(({ blocks }) => blocks).find((block) => block.kind === 'chart');
  const small: Page = { ...page, sections: [{ id: 'one', title: 'One', blocks: chart === undefined ? [] : [chart] }] };

  test('are those of the formats asked for, and no others', async () => {
    const folder = join(root, 'new', 'some');
    const files = await exportPage(small, folder, ['md', 'csv', 'json']);
    expect(files.map((file) => basename(file))).toEqual(['budget-curve.csv', 'budget-curve.json', 'budget-curve.md']);
    const json = JSON.parse(readFileSync(join(folder, 'budget-curve.json'), 'utf8'));
    expect(json.rows[0]).toMatchObject({ method: 'Greedy soup', budget: 1, score: 0.8007, models: 'model-a\nmodel-1' });
    expect(existsSync(join(folder, 'budget-curve.svg'))).toBe(false);
  });

  test('a chart is drawn with its title, its text alternative and text in letters', async () => {
    const [svgFile, pngFile] = (await exportPage(small, root, ['png', 'svg'])) as [string, string];
    const svg = readFileSync(svgFile, 'utf8');
    expect(svg).toContain('<title>Accuracy by number of evaluations</title>');
    expect(svg).toContain('>RADIN, adaptive</text>');
    expect(svg).not.toMatch(/ style=|var\(/);
    const bytes = readFileSync(pngFile);
    const width = Number(/ width="(\d+)"/.exec(svg)?.[1]);
    expect(bytes.readUInt32BE(16)).toBe(2 * width);
    // Without its font the same drawing has no text, and takes a good deal less.
    const { renderAsync } = await import('@resvg/resvg-js');
    const mute = await renderAsync(svg, { fitTo: { mode: 'zoom', value: 2 }, font: { loadSystemFonts: false } });
    expect(bytes.length).toBeGreaterThan(1.2 * mute.asPng().length);
  });

  test('are drawn and written whatever the names in them', async () => {
    const folder = join(root, 'hostile');
    const files = await exportPage(hostilePage(), folder, [...EXPORT_FORMATS]);
    expect(files.map((file) => basename(file)).sort()).toEqual(
      [
        'hostile.png',
        'hostile.svg',
        ...['names', 'table'].flatMap((id) => [`${id}.csv`, `${id}.json`, `${id}.md`]),
      ].sort(),
    );
    const { rows } = JSON.parse(readFileSync(join(folder, 'names.json'), 'utf8'));
    expect(rows.map((row: Record<string, unknown>) => row['a.b[0]'])).toEqual(HOSTILE_NAMES);
    const svg = readFileSync(join(folder, 'hostile.svg'), 'utf8');
    expect(svg).not.toMatch(/<(?:img|script|!--)/);
    // Every bar is there: fields with the names of paths and properties are found.
    expect(svg.match(/<path d="[^"]*" fill="#/g)).toHaveLength(HOSTILE_NAMES.length);
  });

  test('a chart whose labels take all its room is an error, not the end of the process', async () => {
    const data = tableOf([['x'.repeat(300), 1]]);
    const spec = {
      mark: 'bar' as const,
      encoding: {
        y: { field: 'name', type: 'nominal' as const, axis: { labelLimit: 0 } },
        x: { field: 'value', type: 'quantitative' as const },
      },
    };
    const block = { kind: 'chart' as const, chart: { id: 'wide', title: 'Wide', description: '', spec, data } };
    const wide: Page = { ...small, sections: [{ id: 'one', title: 'One', blocks: [block] }] };
    await expect(exportPage(wide, root, ['png'])).rejects.toThrow('leave room');
  });

  test('are refused in one line where the folder is a file', async () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    await expect(exportPage(small, file, ['csv'])).rejects.toMatchObject({ code: 'FILE' });
  });

  test.each(['../up', 'a/b', 'A', '', 'con', 'a b', 'x'.repeat(101)])('the id %j names no file', async (id) => {
    const table = { ...tableOf([]), id };
    const bad: Page = { ...small, sections: [{ id: 'one', title: '', blocks: [{ kind: 'table', table }] }] };
    await expect(exportPage(bad, join(root, 'none'), ['csv'])).rejects.toThrow('id of a table');
    expect(existsSync(join(root, 'none'))).toBe(false);
  });

  test('a chart without its details column, a ragged row and a name used twice are refused', async () => {
    const withChart = (change: Partial<Chart>): Page => {
      if (chart === undefined) throw new Error('no chart');
      const changed = { kind: 'chart' as const, chart: { ...chart.chart, ...change } };
      return { ...small, sections: [{ id: 'one', title: 'One', blocks: [changed] }] };
    };
    await expect(exportPage(withChart({ details: 'nobody' }), root, [])).rejects.toThrow('details');
    await expect(exportPage(withChart({ data: tableOf([['a']]) }), root, [])).rejects.toThrow('cells in row 0');
    await expect(exportPage(withChart({ data: tableOf([], ['a', 'a']) }), root, [])).rejects.toThrow('different names');
  });
});

test('signals are heard and timers run before each chart is drawn', async () => {
  for (const chart of chartsOf(demonstration({ models: 4, candidates: 10 })).slice(0, 2)) {
    let heard = false;
    setImmediate(() => {
      heard = true;
    });
    await drawForPage(chart);
    expect(heard).toBe(true);
  }
});
