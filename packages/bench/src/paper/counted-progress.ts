/** Milliseconds between two lines: a log of hours stays readable. */
const PAUSE = 2000;

/**
 * Tells of a task of equal steps that begins now: `WHAT: 64 of 200 soups, 12 min left`, the first time, the last, and in between
 * every other second at most.
 * @returns to be called with the steps done
 */
export function countedProgress(what: string, total: number, tell: (text: string) => void): (done: number) => void {
  const start = performance.now();
  let told = Number.NEGATIVE_INFINITY;
  return (done) => {
    const now = performance.now();
    if (done < total && now - told < PAUSE) return;
    told = now;
    const left = done < total ? `, ${durationText(((now - start) / 1000 / done) * (total - done))} left` : '';
    tell(`${what}: ${done.toLocaleString('en')} of ${total.toLocaleString('en')} soups${left}`);
  };
}

/** `45 s`, `12 min`, `2.1 h`. */
function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
