import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openEach } from '../../src/formats/open-each.js';
import { openRegularFile, type RegularFile } from '../../src/formats/regular-file.js';
import { refusal, scratch } from './scratch.js';

test('files that were opened before one that cannot be are closed', async () => {
  const path = scratch('there');
  writeFileSync(path, 'x');
  const opened: RegularFile[] = [];
  const open = async (name: string) => {
    const file = await openRegularFile(name);
    opened.push(file);
    return file;
  };
  const [file] = await openEach([path], open);
  await file?.read(new Uint8Array(1), 0);
  await file?.close();
  expect(await refusal(openEach([path, `${path}.not`, path], open), 'FILE')).toContain('there.not');
  expect(opened).toHaveLength(2);
  await expect(opened[1]?.read(new Uint8Array(1), 0)).rejects.toThrow();
});
