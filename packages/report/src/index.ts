export type { Block, Cell, Chart, ChartSpec, Column, Fact, Page, Section, Table } from './page.js';
