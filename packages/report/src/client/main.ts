import type { Cell } from '../page.js';
import { type PageData, restoreRows } from '../page-data.js';
import { ChartView } from './chart-view.js';
import { followSections } from './navigation.js';
import { Selection } from './selection.js';
import { enhanceTable } from './table.js';
import { onThemeChange, themeButton } from './theme.js';

/** The script of a page: it replaces drawings by views, and adds what needs a reader's hand. The page reads without it. */
function start(): void {
  const data = JSON.parse(document.getElementById('page_data')?.textContent ?? '') as PageData;
  const rows = data.tables.map((table) => restoreRows(table, data));
  document.documentElement.dataset.scripted = '';
  themeButton();
  followSections();
  for (const element of document.querySelectorAll<HTMLElement>('.table')) {
    const table = Number(element.dataset.table);
    enhanceTable(element, data.tables[table]?.columns ?? [], rows[table] ?? []);
  }
  void startCharts(data, rows);
}

/** One after the other, each in a task of its own: the page answers meanwhile. */
async function startCharts(data: PageData, rows: readonly Cell[][][]): Promise<void> {
  const views: ChartView[] = [];
  for (const chart of data.charts) {
    const figure = document.getElementById(`chart_${chart.id}`);
    if (figure === null) continue;
    const table = { columns: data.tables[chart.table]?.columns ?? [], rows: rows[chart.table] ?? [] };
    const view = new ChartView(figure, chart, table, data.dark);
    await nextTask();
    try {
      await view.draw();
      new Selection(figure, view, table, chart.details);
      views.push(view);
    } catch (error) {
      // Its drawing stays, and the other charts come.
      reportError(error);
    }
  }
  onThemeChange(() => {
    for (const view of views) void view.draw();
  });
  document.documentElement.dataset.drawn = String(views.length);
}

function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

start();
