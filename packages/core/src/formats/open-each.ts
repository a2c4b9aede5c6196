/** Opens files in their order. Where one cannot be opened, those before it are closed. @throws what `open` throws */
export async function openEach<T extends { close(): Promise<void> }>(
  paths: readonly string[],
  open: (path: string) => Promise<T>,
): Promise<T[]> {
  const opened: T[] = [];
  try {
    for (const path of paths) opened.push(await open(path));
    return opened;
  } catch (error) {
    await Promise.all(opened.map((file) => file.close()));
    throw error;
  }
}
