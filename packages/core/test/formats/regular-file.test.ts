import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openModel, openOnnx, readArray, readSmallFile } from '../../src/formats/index.js';
import { refused, temporaryFolder } from '../pools.js';

const folder = temporaryFolder();
const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0a'.repeat(32)}\nsize 12345\n`;

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

test.each([
  ['m.safetensors', openModel],
  ['m.safetensors.index.json', openModel],
  ['m.pt', openModel],
  ['m.onnx', openOnnx],
  ['a.npy', readArray],
  ['a.npz', readArray],
  ['radin.yaml', (path: string) => readSmallFile(path, 1000)],
] as [string, (path: string) => Promise<unknown>][])(
  'a pointer of Git LFS in the place of %s is refused with the mend',
  async (name, read) => {
    const path = write(name, POINTER);
    await expect(read(path)).rejects.toEqual(
      refused('FILE', new RegExp(`pointer of Git LFS .*"git lfs pull".*: .*/${name}$`)),
    );
  },
);

test('what only mentions Git LFS is read', async () => {
  const text = `# ${POINTER}`;
  expect(Buffer.from(await readSmallFile(write('notes.yaml', text), 1000)).toString()).toBe(text);
});
