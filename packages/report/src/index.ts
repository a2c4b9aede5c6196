export { EXPORT_FORMATS, type ExportFormat, exportPage } from './export-page.js';
export { formatCell } from './format-cell.js';
export type { Block, Cell, Chart, ChartSpec, Column, Fact, Page, Section, Table } from './page.js';
export { readRunDocument } from './read-document.js';
export { renderPage } from './render-page.js';
export { DOCUMENT_KINDS, type DocumentKind, type DocumentKinds, type Versioned } from './run-documents.js';
export { runPage } from './run-page.js';
