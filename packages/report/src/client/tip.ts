import { shortened } from '../page-data.js';
import type { TableRows } from './chart-view.js';
import { element } from './element.js';
import { count, fieldList, modelsOf } from './row-fields.js';

const MARGIN = 14;
const tip = element('div', 'tip');
// The panel says the same to those who do not point.
tip.setAttribute('aria-hidden', 'true');
tip.hidden = true;
let shown: { table: TableRows; row: number } | undefined;

/** Shows a row's fields and the first of its models beside the pointer, inside the window. */
export function showTip(table: TableRows, row: number, details: number, { clientX, clientY }: PointerEvent): void {
  if (shown?.table !== table || shown.row !== row) {
    const models = modelsOf(table, row, details);
    const { first, others } = shortened(models);
    tip.replaceChildren(fieldList(table, row, details));
    if (models.length > 0) {
      const list = element('ul', 'models');
      list.append(...first.map((model) => element('li', '', model)));
      tip.append(element('p', 'count', count(models)), list);
      if (others > 0) tip.append(element('p', 'others', `and ${others} more: click for all`));
    }
    shown = { table, row };
  }
  if (!tip.isConnected) document.body.append(tip);
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const isLeft = clientX + MARGIN + width > document.documentElement.clientWidth - 4;
  const isAbove = clientY + MARGIN + height > document.documentElement.clientHeight - 4;
  tip.style.left = `${Math.max(4, isLeft ? clientX - MARGIN - width : clientX + MARGIN)}px`;
  tip.style.top = `${Math.max(4, isAbove ? clientY - MARGIN - height : clientY + MARGIN)}px`;
}

export function hideTip(): void {
  tip.hidden = true;
}
