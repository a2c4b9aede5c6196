/** Characters of a label of an axis. */
const LONGEST = 32;
/** Where names are cut: what stands between these is one thing to a reader, such as `lr0.001`. */
const SEPARATORS = '-_ /,+';

/**
 * An expression of vega that shortens long names on an axis to what tells them apart: without what all of them begin and end with,
 * and then in the middle. It holds numbers only, never a name; where all names are short it is not there.
 * @param isNumbered whether labels have a number and a blank before the name
 */
export function shortNames(names: readonly string[], isNumbered = false): { readonly labelExpr?: string } {
  const most = LONGEST - (isNumbered ? 4 : 0);
  if (names.every((name) => name.length <= most)) return {};
  const [start, end] = sharedEnds(names);
  const number = isNumbered ? "slice(datum.label, 0, indexof(datum.label, ' ') + 1)" : "''";
  const name = isNumbered ? "slice(datum.label, indexof(datum.label, ' ') + 1)" : 'datum.label';
  const own = `slice(${name}, ${start}, length(${name}) - ${end})`;
  const half = most / 2;
  const middle = `(length(${own}) > ${most} ? slice(${own}, 0, ${half}) + '…' + slice(${own}, -${half}) : ${own})`;
  return { labelExpr: `${number} + '${start > 0 ? '…' : ''}' + ${middle} + '${end > 0 ? '…' : ''}'` };
}

/** How many characters all names begin with, and end with, up to a separator; of each name something is left. */
function sharedEnds(names: readonly string[]): [start: number, end: number] {
  const first = names[0] ?? '';
  const shortest = Math.min(...names.map((name) => name.length));
  let start = 0;
  while (start < shortest && names.every((name) => name[start] === first[start])) start++;
  while (start > 0 && !SEPARATORS.includes(first[start - 1] as string)) start--;
  let end = 0;
  while (end < shortest - start - 1 && names.every((name) => name.at(-1 - end) === first.at(-1 - end))) end++;
  while (end > 0 && !SEPARATORS.includes(first.at(-end) as string)) end--;
  return [start, end];
}
