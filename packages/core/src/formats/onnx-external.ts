import { realpath, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import type { onnx } from '#onnx';
import { fileError, quote, RadinError } from '../errors/index.js';
import { failFormat } from './format-error.js';
import { openRegularFile, type RegularFile } from './regular-file.js';

/** Where a tensor's bytes are in another file. */
interface ExternalPlace {
  /** As the model writes it. */
  readonly location: string;
  readonly offset: number;
}

/** Tensors of together more than this many times their file's bytes are refused: a small file that stands for endless numbers. */
const MOST_USES = 8;
const ALWAYS_ALLOWED = 64 * 2 ** 20;

/** Reads a tensor's `external_data`. @param where the file and the tensor @throws RadinError (`FORMAT`) */
export function externalPlace(
  { external_data: entries }: onnx.ITensorProto,
  byteLength: number,
  where: string,
): ExternalPlace {
  const values = new Map<string, string>();
  for (const { key, value } of entries ?? []) {
    if (values.has(key ?? '')) failFormat('each key of external_data once', `two of ${quote(key ?? '')}`, where);
    values.set(key ?? '', value ?? '');
  }
  const number = (key: string): number | undefined => {
    const text = values.get(key);
    if (text === undefined) return undefined;
    if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
    return failFormat(`a number of bytes as ${key} of external_data`, quote(text), where);
  };
  const location = values.get('location');
  if (!location) failFormat('a location of external data', 'none', where);
  const offset = number('offset') ?? 0;
  const length = number('length') ?? byteLength;
  if (length !== byteLength) failFormat(`${byteLength} bytes of external data`, `a length of ${length}`, where);
  return { location, offset };
}

/** Longer paths exist on no disk. */
const LONGEST_LOCATION = 4096;

/** The files of a model's external data, each opened once. */
export class ExternalFiles {
  readonly #folder: string;
  readonly #opened = new Map<string, { readonly file: RegularFile; used: number }>();

  /** @param model path of the model, whose folder external data must not leave */
  constructor(model: string) {
    this.#folder = dirname(model);
  }

  /** In the order in which they were opened. */
  get files(): readonly RegularFile[] {
    return [...this.#opened.values()].map(({ file }) => file);
  }

  /**
   * The open file that has these bytes.
   * @throws RadinError where the location leaves the model's folder, by its text or by links, is no regular file or has no such bytes
   */
  async open({ location, offset }: ExternalPlace, byteLength: number, where: string): Promise<RegularFile> {
    const path = await this.#resolve(location, where);
    const known = this.#opened.get(path) ?? { file: await openRegularFile(path), used: 0 };
    this.#opened.set(path, known);
    const { size } = known.file;
    if (offset + byteLength > size) {
      failFormat(`bytes ${offset} to ${offset + byteLength} of ${path}`, `${size} bytes`, where);
    }
    known.used += byteLength;
    if (known.used > Math.max(ALWAYS_ALLOWED, MOST_USES * size)) {
      failFormat(`tensors of at most ${MOST_USES} times the ${size} bytes of ${path}`, `${known.used} bytes`, where);
    }
    return known.file;
  }

  async close(): Promise<void> {
    await Promise.all(this.files.map((file) => file.close()));
  }

  async #resolve(location: string, where: string): Promise<string> {
    const parts = location.split(/[\\/]/);
    const leaves = /^([\\/]|[A-Za-z]:)/.test(location) || parts.includes('..') || location.includes('\0');
    if (leaves || location.includes('_ORT_MEM_ADDR_') || location.length > LONGEST_LOCATION) {
      failFormat("external data within the model's folder", `the location ${quote(location)}`, where);
    }
    const path = join(this.#folder, location);
    try {
      const [folder, target] = [await realpath(this.#folder), await realpath(path)];
      if (!target.startsWith(folder.endsWith(sep) ? folder : folder + sep)) {
        throw new RadinError(
          'FILE',
          `Expected external data within the model's folder but found a link out of it: ${path}`,
        );
      }
      const status = await stat(target);
      if (status.isFile() && status.nlink > 1) {
        throw new RadinError(
          'FILE',
          `Expected external data within the model's folder but found a hard link, a file with another name too (copy it): ${path}`,
        );
      }
      return target;
    } catch (error) {
      throw fileError(`read the external data that ${where} names,`, path, error);
    }
  }
}
