/** Of a task of so many equal steps that begins now. @returns what to write behind the steps done, such as `, 2.1 h left` */
export function timeLeft(total: number): (done: number) => string {
  const start = performance.now();
  return (done) => {
    if (done === 0 || done >= total) return '';
    return `, ${durationText(((performance.now() - start) / 1000 / done) * (total - done))} left`;
  };
}

/** `45 s`, `12 min`, `2.1 h`. */
function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
