import type { ChartView, TableRows } from './chart-view.js';
import { button, copyButton, element } from './element.js';
import { count, fieldList, modelsOf } from './row-fields.js';
import { rowAt, type Target } from './targets.js';
import { hideTip, showTip } from './tip.js';

/** The rows of a chart under the pointer, the finger and the keys: a tip while pointed at, a panel once chosen. */
export class Selection {
  readonly #view: ChartView;
  readonly #table: TableRows;
  readonly #details: number;
  readonly #rings = element('div', 'rings');
  readonly #panel = element('div', 'panel');
  #selected: number | undefined;

  constructor(figure: HTMLElement, view: ChartView, table: TableRows, details: number) {
    this.#view = view;
    this.#table = table;
    this.#details = details;
    const { stage } = view;
    stage.tabIndex = 0;
    stage.setAttribute('role', 'application');
    stage.setAttribute('aria-roledescription', 'chart');
    for (const name of ['aria-labelledby', 'aria-describedby'])
      stage.setAttribute(name, figure.querySelector('.still')?.getAttribute(name) ?? '');
    stage.append(element('p', 'keys', 'Arrow keys: next and previous · Esc: clear'), this.#rings);
    this.#rings.setAttribute('aria-hidden', 'true');
    this.#panel.setAttribute('aria-live', 'polite');
    stage.after(this.#panel);
    stage.addEventListener('pointermove', (event) => this.#point(event));
    stage.addEventListener('pointerleave', hideTip);
    stage.addEventListener('click', (event) => this.#select(this.#rowUnder(event)));
    figure.addEventListener('keydown', (event) => this.#key(event));
    view.onRedraw(() => this.#ring());
  }

  #rowUnder(event: MouseEvent): number | undefined {
    const { left, top } = this.#view.stage.getBoundingClientRect();
    return rowAt(this.#view.targets(), event.clientX - left, event.clientY - top);
  }

  #point(event: PointerEvent): void {
    const row = event.pointerType === 'touch' ? undefined : this.#rowUnder(event);
    this.#view.stage.classList.toggle('pointed', row !== undefined);
    if (row === undefined) hideTip();
    else showTip(this.#table, row, this.#details, event);
  }

  #key(event: KeyboardEvent): void {
    if (event.key === 'Escape') {
      hideTip();
      this.#select(undefined);
      return;
    }
    if (event.target !== this.#view.stage || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = this.#rowAfter(event.key);
    if (row === undefined) return;
    event.preventDefault();
    this.#select(row);
  }

  /** Rows in their order, those that are drawn. */
  #rowAfter(key: string): number | undefined {
    const rows = [...new Set(this.#view.targets().map(({ row }) => row))].sort((a, b) => a - b);
    const place = this.#selected === undefined ? -1 : rows.indexOf(this.#selected);
    const last = rows.length - 1;
    switch (key) {
      case 'ArrowRight':
      case 'ArrowDown':
        return rows[Math.min(place + 1, last)];
      case 'ArrowLeft':
      case 'ArrowUp':
        return rows[place < 0 ? last : Math.max(place - 1, 0)];
      case 'Home':
        return rows[0];
      case 'End':
        return rows[last];
      default:
        return undefined;
    }
  }

  #select(row: number | undefined): void {
    this.#selected = row;
    this.#ring();
    this.#panel.replaceChildren(...(row === undefined ? [] : this.#panelOf(row)));
  }

  #ring(): void {
    const selected =
      this.#selected === undefined ? [] : this.#view.targets().filter(({ row }) => row === this.#selected);
    this.#rings.replaceChildren(...selected.map(ring));
  }

  #panelOf(row: number): HTMLElement[] {
    const head = element('div', 'panel-head');
    head.append(element('strong', '', `Row ${row + 1} of ${this.#table.rows.length}`));
    const models = modelsOf(this.#table, row, this.#details);
    if (models.length > 0) head.append(element('span', 'count', count(models)));
    const copy = models.length > 0 ? copyButton('Copy models', () => models.join('\n')) : undefined;
    if (copy !== undefined) head.append(copy);
    head.append(
      button('quiet', 'Close', () => {
        this.#select(undefined);
        this.#view.stage.focus();
      }),
    );
    const fields = fieldList(this.#table, row, this.#details);
    if (models.length === 0) return [head, fields];
    const list = element('ul', 'models');
    // Two hundred names are for the eye; what is said aloud is their number.
    list.setAttribute('aria-live', 'off');
    list.setAttribute('aria-label', 'Models');
    // Long lists scroll, by keys too.
    list.tabIndex = 0;
    list.append(...models.map((model) => element('li', '', model)));
    return [head, fields, list];
  }
}

/** A line around a mark, outside of it. */
function ring({ x, y, width, height, isRound }: Target): HTMLElement {
  const made = element('div', isRound ? 'ring round' : 'ring');
  const grow = width === 0 ? 8 : 3;
  made.style.left = `${x - grow}px`;
  made.style.top = `${y - grow}px`;
  made.style.width = `${width + 2 * grow}px`;
  made.style.height = `${height + 2 * grow}px`;
  return made;
}
