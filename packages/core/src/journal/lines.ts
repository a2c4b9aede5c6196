import { createHash } from 'node:crypto';
import { RadinError } from '../errors/index.js';
import { JOURNAL_FORMAT, type JournalRecord, parseRecord } from './record.js';

/** Characters of a checksum: 64 bits of a SHA-256. They find accidents; nothing is signed. */
const CHECK_LENGTH = 16;
/** What stands behind a record's own fields. */
const CHECK = /,"check":"([0-9a-f]{16})"\}$/;
const CHECK_BYTES = ',"check":""}'.length + CHECK_LENGTH;

/** Bytes of a line: more than the bits of 10^9 samples take. A longer one was not written by us. */
const LONGEST_LINE = 2 ** 28;
const NEWLINE = 10;

/** What each journal begins with. */
const BEGINNING = Buffer.from(`{"record":"run","format":${JOURNAL_FORMAT},"radin":"`);

/** The checksum that stands before the first line. */
export const NO_CHECK = '0'.repeat(CHECK_LENGTH);

/**
 * A record as a line, the newline at its end included. Its checksum is over the one before and the record, so a line that is removed,
 * changed or moved is found.
 */
export function encodeLine(record: JournalRecord, before: string): { readonly line: Buffer; readonly check: string } {
  const text = JSON.stringify(record);
  const check = checkOf(before, Buffer.from(text));
  return { line: Buffer.from(`${text.slice(0, -1)},"check":"${check}"}\n`), check };
}

/** The lines of a journal, read in order from its bytes. */
export class LineReader {
  readonly #path: string;
  readonly #pieces: Buffer[] = [];
  #pending = 0;
  #lines = 0;
  #check = NO_CHECK;
  #whole = 0;

  /** @param path names the journal in errors */
  constructor(path: string) {
    this.#path = path;
  }

  /** Bytes of all whole lines so far. */
  get wholeBytes(): number {
    return this.#whole;
  }

  /**
   * To be called when all bytes are read.
   * @returns bytes behind the whole lines: of a line that was not written to its end
   * @throws RadinError (`FORMAT`) where that is the first one and does not begin as ours do
   */
  end(): number {
    if (this.#lines === 0) {
      const found = Buffer.concat(this.#pieces).subarray(0, BEGINNING.length);
      if (!found.equals(BEGINNING.subarray(0, found.length))) throw this.#damage("a run's journal", 'something else');
    }
    return this.#pending;
  }

  /** The checksum of the last line. */
  get check(): string {
    return this.#check;
  }

  /** The records that the next bytes complete. @throws RadinError (`FORMAT`) naming the line that is damaged, and how */
  read(bytes: Uint8Array): JournalRecord[] {
    const records: JournalRecord[] = [];
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      records.push(this.#line(this.#take(bytes.subarray(from, end))));
      from = end + 1;
    }
    // A copy, since the caller reads the next bytes into the same memory.
    if (from < bytes.length) this.#keep(Buffer.from(bytes.subarray(from)));
    return records;
  }

  #keep(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#pending += piece.length;
    if (this.#pending > LONGEST_LINE) throw this.#damage(`a line of at most ${LONGEST_LINE} bytes`, 'a longer one');
  }

  #take(last: Uint8Array): Buffer {
    const line = Buffer.concat([...this.#pieces.splice(0), last]);
    this.#pending = 0;
    return line;
  }

  #line(line: Buffer): JournalRecord {
    const found = CHECK.exec(line.toString('latin1', Math.max(0, line.length - CHECK_BYTES)));
    const body = Buffer.concat([line.subarray(0, Math.max(0, line.length - CHECK_BYTES)), Buffer.from('}')]);
    const check = checkOf(this.#check, body);
    if (found?.[1] !== check) throw this.#damage(`a line whose checksum is ${check}`, found?.[1] ?? 'none');
    try {
      const record = parseRecord(body.toString('utf8'));
      if ((record.record === 'run') !== (this.#lines === 0)) throw new SyntaxError(`record: ${record.record}`);
      this.#lines++;
      this.#check = check;
      this.#whole += line.length + 1;
      return record;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw this.#damage('a record of this version of radin', error.message);
    }
  }

  #damage(expected: string, found: string): RadinError {
    return new RadinError(
      'FORMAT',
      `Expected ${expected} but found ${found} in line ${this.#lines + 1} of ${this.#path}: it was changed or damaged; another --out or --restart begins anew`,
    );
  }
}

function checkOf(before: string, record: Uint8Array): string {
  return createHash('sha256').update(before).update(record).digest('hex').slice(0, CHECK_LENGTH);
}
