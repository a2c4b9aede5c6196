import { formatScore, type Metric, type Progress } from '@radin/core';
import cliProgress, { type SingleBar } from 'cli-progress';

const LABELS: Readonly<Record<Progress['phase'], string>> = {
  download: 'downloading (MB)',
  measure: 'measuring weights',
  cache: 'caching logits',
  score: 'scoring',
  evaluate: 'evaluating soups',
  test: 'reporting',
};

/** Everything that is said besides the result, on standard error: progress on terminals, notices, the time of each phase. */
export class Terminal {
  readonly #quiet: boolean;
  readonly #metric: Metric;
  readonly #timings = new Map<string, number>();
  #bar: SingleBar | undefined;
  #phase: Progress['phase'] | undefined;
  #phaseStart = performance.now();

  constructor({ quiet }: { readonly quiet?: true }, metric: Metric) {
    this.#quiet = quiet === true;
    this.#metric = metric;
  }

  /** Seconds spent in each phase so far. */
  get timings(): Record<string, number> {
    return Object.fromEntries([...this.#timings].map(([phase, seconds]) => [phase, Number(seconds.toFixed(3))]));
  }

  notice(text: string): void {
    if (this.#quiet) return;
    this.#closeBar();
    process.stderr.write(`radin: ${text}\n`);
  }

  /** To be handed to long calls. */
  readonly onProgress = (progress: Progress): void => {
    if (progress.phase !== this.#phase) {
      this.finish();
      this.#phase = progress.phase;
      this.#phaseStart = performance.now();
    }
    if (this.#quiet || process.stderr.isTTY !== true) return;
    this.#bar ??= openBar(progress);
    this.#bar.setTotal(progress.total);
    const best = progress.best === undefined ? '' : `best ${formatScore(progress.best, this.#metric)}`;
    this.#bar.update(progress.done, { best });
  };

  /** Ends the current phase: the next line of output starts clean. */
  finish(): void {
    this.#closeBar();
    if (this.#phase !== undefined) {
      const seconds = (performance.now() - this.#phaseStart) / 1000;
      this.#timings.set(this.#phase, (this.#timings.get(this.#phase) ?? 0) + seconds);
    }
    this.#phase = undefined;
  }

  #closeBar(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}

function openBar({ phase, total }: Progress): SingleBar {
  const bar = new cliProgress.SingleBar({
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    format: (options, params, payload: { best?: string }) => {
      const done = Math.floor(params.value);
      const left = params.progress > 0 && params.progress < 1 ? `${Math.ceil(params.eta)} s left` : '';
      const drawn = cliProgress.Format.BarFormat(params.progress, options);
      return [LABELS[phase].padEnd(17), drawn, `${done}/${params.total}`, payload.best ?? '', left]
        .join('  ')
        .trimEnd();
    },
    barsize: 24,
    fps: 10,
  });
  bar.start(total, 0, { best: '' });
  return bar;
}
