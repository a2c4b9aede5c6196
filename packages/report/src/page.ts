import type { TopLevelSpec } from 'vega-lite';

/** What a report says, without how it looks: sections of text, figures, tables and charts. */
export interface Page {
  readonly title: string;
  /** One line under the title: the pool, the samples, the metric. */
  readonly subtitle: string;
  /** The answer first. */
  readonly sections: readonly Section[];
}

export interface Section {
  /** Unique in the page, of lower-case letters, digits and hyphens; also the target of links. */
  readonly id: string;
  readonly title: string;
  readonly blocks: readonly Block[];
}

export type Block =
  | { readonly kind: 'text'; readonly text: string }
  /** Figures at a glance. */
  | { readonly kind: 'facts'; readonly facts: readonly Fact[]; readonly note?: string }
  | { readonly kind: 'table'; readonly table: Table }
  | { readonly kind: 'chart'; readonly chart: Chart };

export interface Fact {
  readonly label: string;
  readonly value: string;
  /** What the value is to be read with, such as an interval. */
  readonly note?: string;
}

export interface Table {
  /** Unique in the page, of lower-case letters, digits and hyphens; names the exported files. */
  readonly id: string;
  readonly title: string;
  readonly columns: readonly Column[];
  /** Cells in the order of the columns; `null` where there is no value. */
  readonly rows: readonly (readonly Cell[])[];
  readonly note?: string;
}

export type Cell = string | number | boolean | null;

export interface Column {
  /** In CSV and JSON. */
  readonly name: string;
  readonly title: string;
  /** How people read its numbers; exports keep them whole. `percent` and `points` are of fractions. */
  readonly format: 'text' | 'integer' | 'number' | 'percent' | 'points' | 'p-value';
}

export interface Chart {
  /** Unique in the page, of lower-case letters, digits and hyphens; names the exported files. */
  readonly id: string;
  readonly title: string;
  /** The text alternative: what the chart shows, with its figures. */
  readonly description: string;
  /** Without `data`, whose rows are those of `data` under the name `table`; without colours, sizes and fonts, which a theme sets. */
  readonly spec: ChartSpec;
  /** What is drawn: also the table of the chart and its CSV and JSON. */
  readonly data: Table;
  /** The column that names the models of a row, one per line of text: a click on its mark, or a key, shows them. */
  readonly details?: string;
}

/** A vega-lite specification that a theme and the data are added to. */
export type ChartSpec = WithoutAny<TopLevelSpec, '$schema' | 'config' | 'data' | 'datasets'>;

/** Every member of a union without some keys; `Omit` would keep those that all members share. */
type WithoutAny<Union, Keys extends PropertyKey> = Union extends unknown ? Omit<Union, Keys> : never;
