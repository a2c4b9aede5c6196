import { expressionInterpreter } from 'vega-interpreter';
import { dataRows } from '../chart-data.js';
import type { Cell, Column } from '../page.js';
import type { ChartData } from '../page-data.js';
import { specFor } from './chart-spec.js';
import { type Target, targetsOf } from './targets.js';
import { isDark } from './theme.js';

/** vega.min.js, the script before this one. */
declare const vega: typeof import('vega');

export interface TableRows {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
}

/** A chart drawn by vega at the width of its figure, in the colours of the theme; drawn anew when either changes. */
export class ChartView {
  /** Holds the drawing and what is laid over it. */
  readonly stage: HTMLElement;
  readonly #figure: HTMLElement;
  readonly #chart: ChartData;
  readonly #rows: readonly object[];
  readonly #dark: Readonly<Record<string, string>>;
  readonly #container = document.createElement('div');
  readonly #redrawn: (() => void)[] = [];
  #view: InstanceType<typeof vega.View> | undefined;
  #width = 0;
  #draws = 0;

  constructor(figure: HTMLElement, chart: ChartData, { rows }: TableRows, dark: Readonly<Record<string, string>>) {
    this.#figure = figure;
    this.#chart = chart;
    this.#rows = dataRows(rows, chart.fields);
    this.#dark = dark;
    this.stage = figure.querySelector('.stage') as HTMLElement;
    this.#container.className = 'live';
    this.#container.setAttribute('role', 'img');
    for (const name of ['aria-labelledby', 'aria-describedby'])
      this.#container.setAttribute(name, figure.querySelector('.still')?.getAttribute(name) ?? '');
    let waiting = 0;
    new ResizeObserver(() => {
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        if (this.#view !== undefined && this.stage.clientWidth !== this.#width) void this.draw();
      }, 80);
    }).observe(this.stage);
  }

  /** Called when the marks are elsewhere than before. */
  onRedraw(listener: () => void): void {
    this.#redrawn.push(listener);
    this.#container.addEventListener('scroll', listener);
  }

  /** Draws, and shows the drawing in place of the last one when it is done. */
  async draw(): Promise<void> {
    const width = this.stage.clientWidth;
    this.#draws += 1;
    const draw = this.#draws;
    // While the page is printed or hidden there is no width to draw for.
    if (width === 0) return;
    this.#width = width;
    const spec = specFor(this.#chart, this.#rows, width, isDark() ? this.#dark : undefined);
    const container = document.createElement('div');
    const view = new vega.View(vega.parse(spec, undefined, { ast: true }), {
      renderer: 'svg',
      expr: expressionInterpreter,
      container,
      loader: NO_FILES,
      logLevel: vega.Error,
      tooltip: () => undefined,
    });
    await view.runAsync();
    // What it shows is said by the stage that holds it; vega names no mark.
    container.querySelector('svg')?.setAttribute('aria-hidden', 'true');
    // Another drawing may have begun meanwhile, for another width or theme.
    if (draw !== this.#draws) {
      view.finalize();
      return;
    }
    this.#view?.finalize();
    this.#view = view;
    this.#container.replaceChildren(container);
    this.#figure.dataset.live = isDark() ? 'dark' : 'light';
    this.stage.append(this.#container);
    for (const listener of this.#redrawn) listener();
  }

  /** Where the rows are drawn, in pixels from the stage's corner. */
  targets(): Target[] {
    const targets = this.#view === undefined ? [] : targetsOf(this.#view);
    return targets.map((target) => ({ ...target, x: target.x - this.#container.scrollLeft }));
  }
}

const REFUSES = () => Promise.reject(new Error('A chart draws its own data'));
const NO_FILES = { load: REFUSES, sanitize: REFUSES, http: REFUSES, file: REFUSES } as unknown as import('vega').Loader;
