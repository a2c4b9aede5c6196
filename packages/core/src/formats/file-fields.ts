import protobuf from 'protobufjs/minimal.js';
import { RadinError } from '../errors/index.js';
import type { RegularFile } from './regular-file.js';

/** Read at once, for tags and small fields. */
const WINDOW_BYTES = 2 ** 16;
/** A tag and the length or number behind it. */
const LONGEST_TAG = 5 + 10;
/** Of one file. Real models have some ten thousand nodes. */
const MOST_FIELDS = 2 ** 20;
/** What may be in memory of one file: all but its weights. */
const MOST_BYTES = 2 ** 28;

/** A field of a protobuf message in a file. */
export interface FileField {
  readonly number: number;
  readonly wireType: number;
  readonly isLengthDelimited: boolean;
  /** Of its tag. */
  readonly start: number;
  /** Of the value: behind the tag and, of a length-delimited field, the length. */
  readonly payload: number;
  readonly end: number;
}

/** Reads a protobuf message from a file field by field, so that large ones can be passed over. */
export class FileFields {
  #window: Uint8Array = new Uint8Array();
  #position = 0;
  #fields = 0;
  #bytes = 0;

  constructor(private readonly file: RegularFile) {}

  /** The fields between two positions of the file, in their order. @throws RadinError (`FORMAT`) where these are none */
  async *between(begin: number, end: number): AsyncGenerator<FileField> {
    for (let start = begin; start < end; ) {
      if (++this.#fields > MOST_FIELDS) throw this.#none(`more than ${MOST_FIELDS} fields`);
      const field = this.#parse(await this.#at(start, Math.min(LONGEST_TAG, end - start)), start, end);
      yield field;
      start = field.end;
    }
  }

  /** Tag and value of a field, as a copy. */
  async whole({ start, end }: FileField): Promise<Uint8Array> {
    this.#bytes += end - start;
    if (this.#bytes > MOST_BYTES) throw this.#none(`more than ${MOST_BYTES} bytes besides the weights`);
    return (await this.#at(start, end - start)).slice();
  }

  #parse(bytes: Uint8Array, start: number, end: number): FileField {
    const reader = protobuf.Reader.create(bytes);
    try {
      const tag = reader.tag();
      const [number, wireType] = [tag >>> 3, tag & 7];
      const isLengthDelimited = wireType === 2;
      const length = isLengthDelimited ? reader.uint64() : 0;
      const payload = start + reader.pos;
      if (!isLengthDelimited) reader.skipType(wireType, 0, number);
      const fieldEnd = start + reader.pos + Number(length);
      if (!(fieldEnd <= end))
        throw new RangeError(`a field of ${Number(length)} bytes where ${end - payload} are left`);
      return { number, wireType, isLengthDelimited, start, payload, end: fieldEnd };
    } catch (error) {
      throw this.#none((error as Error).message, error);
    }
  }

  async #at(position: number, length: number): Promise<Uint8Array> {
    const from = position - this.#position;
    if (from < 0 || from + length > this.#window.byteLength) {
      this.#window = new Uint8Array(Math.max(length, Math.min(WINDOW_BYTES, this.file.size - position)));
      this.#position = position;
      await this.file.read(this.#window, position);
    }
    return this.#window.subarray(position - this.#position, position - this.#position + length);
  }

  #none(reason: string, cause?: unknown): RadinError {
    return new RadinError(
      'FORMAT',
      `Expected an ONNX model but found bytes that are none (${reason}) in ${this.file.path}`,
      { cause },
    );
  }
}
