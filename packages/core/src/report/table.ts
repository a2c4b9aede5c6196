/** Rows of text with the columns aligned, the first to the left and the others to the right, `gap` between. */
export function alignColumns(rows: readonly (readonly string[])[], gap = '  '): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, text] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, text.length);
  }
  return rows.map((row) =>
    row
      .map((text, column) => {
        const width = widths[column] as number;
        return column === 0 ? text.padEnd(width) : text.padStart(width);
      })
      .join(gap)
      .trimEnd(),
  );
}
