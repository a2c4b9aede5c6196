import { readdirSync } from 'node:fs';
import { extname } from 'node:path';
import { expect, test } from 'vitest';
import { RadinError } from '../../src/errors/index.js';
import { liftInitializers, openTensorFile, readNpy, readOnnx } from '../../src/formats/index.js';

const FOLDER = new URL('./', import.meta.url).pathname;

const READERS: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  '.safetensors': openTensorFile,
  '.pt': openTensorFile,
  '.npy': readNpy,
  '.onnx': async (path) => liftInitializers(await readOnnx(path), new Set()),
};

const files = readdirSync(FOLDER).filter((name) => extname(name) in READERS);

test.each(files)('%s is refused in one line that names the file', async (name) => {
  const path = FOLDER + name;
  const error = await READERS[extname(name)]?.(path).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(RadinError);
  const { message } = error as RadinError;
  expect(message).toContain(path);
  expect(message).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(message.length).toBeLessThan(path.length + 400);
});
