import { escapeMarkup, escapeProse } from './escape.js';
import type { Block, Chart, Fact, Page, Section, Table } from './page.js';
import { renderTable } from './render-table.js';

/** What is made before the sections: each chart's drawing, and the tables in the order of the page's data. */
export interface PageParts {
  readonly drawings: ReadonlyMap<string, string>;
  readonly tables: readonly Table[];
}

/** The body of a page, complete without scripts. Ids with an underscore are the page's own; those of sections have none. */
export function renderSections(page: Page, parts: PageParts): string {
  return [
    '<a class="skip" href="#page_content">Skip to the content</a>',
    '<header class="masthead"><div class="masthead-text">',
    `<p class="brand">RADIN</p><h1>${escapeProse(page.title)}</h1>`,
    page.subtitle === '' ? '' : `<p class="subtitle">${escapeProse(page.subtitle)}</p>`,
    '</div></header>',
    '<div class="layout">',
    navigation(page.sections),
    '<main id="page_content" tabindex="-1">',
    ...page.sections.map((section) => renderSection(section, parts)),
    '</main>',
    '</div>',
  ].join('\n');
}

function navigation(sections: readonly Section[]): string {
  const items = sections.map(({ id, title }) => `<li><a href="#${id}">${escapeMarkup(title)}</a></li>`);
  return `<nav class="sections" aria-label="Sections"><ol>${items.join('')}</ol></nav>`;
}

function renderSection({ id, title, blocks }: Section, parts: PageParts): string {
  return [
    `<section id="${id}" aria-labelledby="${id}_title">`,
    `<h2 id="${id}_title">${escapeMarkup(title)}</h2>`,
    ...blocks.map((block) => renderBlock(block, parts)),
    '</section>',
  ].join('\n');
}

function renderBlock(block: Block, parts: PageParts): string {
  switch (block.kind) {
    case 'text':
      return block.text
        .split(/\n{2,}/)
        .map((paragraph) => `<p class="text">${escapeProse(paragraph)}</p>`)
        .join('\n');
    case 'facts':
      return `<dl class="facts">${block.facts.map(renderFact).join('')}</dl>${block.note === undefined ? '' : `<p class="note">${escapeProse(block.note)}</p>`}`;
    case 'table': {
      const label = `table_${block.table.id}`;
      return `<div class="card"><h3 id="${label}">${escapeMarkup(block.table.title)}</h3>${tableOf(block.table, parts, label)}</div>`;
    }
    case 'chart':
      return renderChart(block.chart, parts);
  }
}

function renderFact({ label, value, note }: Fact): string {
  const noted = note === undefined ? '' : `<dd class="note">${escapeMarkup(note)}</dd>`;
  return `<div class="fact"><dt>${escapeMarkup(label)}</dt><dd class="figure">${escapeMarkup(value)}</dd>${noted}</div>`;
}

function renderChart(chart: Chart, parts: PageParts): string {
  const id = `chart_${chart.id}`;
  return [
    `<figure class="card chart" id="${id}">`,
    `<h3 id="${id}_title">${escapeMarkup(chart.title)}</h3>`,
    '<div class="stage">',
    `<div class="still" role="img" aria-labelledby="${id}_title" aria-describedby="${id}_description">`,
    parts.drawings.get(chart.id) ?? '',
    '</div>',
    '</div>',
    `<figcaption id="${id}_description" class="note">${escapeProse(chart.description)}</figcaption>`,
    `<details class="data"><summary id="${id}_data" aria-label="${escapeMarkup(`Data: ${chart.data.title}`)}">Data</summary>${tableOf(chart.data, parts, `${id}_data`)}</details>`,
    '</figure>',
  ].join('\n');
}

function tableOf(table: Table, parts: PageParts, label: string): string {
  return renderTable(table, parts.tables.indexOf(table), label);
}
