export { EXPORT_FORMATS, type ExportFormat, exportPage } from './export-page.js';
export { formatCell } from './format-cell.js';
export type { Block, Cell, Chart, ChartSpec, Column, Fact, Page, Section, Table } from './page.js';
export { renderPage } from './render-page.js';
