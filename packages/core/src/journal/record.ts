/** To be raised with any change after which lines mean something else. */
export const JOURNAL_FORMAT = 1;

/** What a JSON text can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** Everything that a run's result depends on, by names that a user can read. */
export type Fingerprint = { readonly [name: string]: Json };

/** The first line: of which run the journal is. */
export interface RunRecord {
  readonly record: 'run';
  /** Version of the journal's format. */
  readonly format: number;
  readonly radin: string;
  readonly fingerprint: Fingerprint;
}

/** A process that begins to work on the run, or goes on with it. */
interface StartRecord {
  readonly record: 'start';
  readonly pid: number;
  readonly host: string;
  /** ISO 8601, UTC. */
  readonly time: string;
}

/** A soup on a split. */
interface OfSoup {
  /** SHA-256 of all that its evaluation depends on: the key of `SoupKeys`. */
  readonly soup: string;
  readonly split: string;
  readonly models: readonly string[];
  readonly weights: readonly number[];
}

/** What a soup got on some samples of a split. */
export interface EvaluationRecord extends OfSoup {
  readonly record: 'evaluation';
  /** How many samples, and the hash that tells them and their order. */
  readonly samples: number;
  readonly part: string;
  readonly score: number;
  /** A bit for each sample, 1 where it is right, the first one lowest in the first byte, in base64; left out where none are counted. */
  readonly correct?: string;
}

/** A soup whose evaluation was lost, and why: it is not tried again. */
export interface LostRecord extends OfSoup {
  readonly record: 'lost';
  readonly reason: string;
}

/** What the run chose, before anything that may only report is looked at. */
interface ChoiceRecord {
  readonly record: 'choice';
  readonly choice: Json;
}

/** The results are on disk. `facts` are those of this process: where and how fast. */
interface EndRecord {
  readonly record: 'end';
  readonly time: string;
  readonly facts: Json;
}

export type JournalRecord = RunRecord | StartRecord | EvaluationRecord | LostRecord | ChoiceRecord | EndRecord;

/** The record that a line's text holds. @throws SyntaxError where it holds none, with what was found */
export function parseRecord(text: string): JournalRecord {
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) throw new SyntaxError('no object');
  const kind = String(value.record);
  const fields = Object.hasOwn(FIELDS, kind) ? FIELDS[kind as JournalRecord['record']] : undefined;
  if (fields === undefined) throw new SyntaxError(`record: ${kind.slice(0, MOST_SHOWN)}`);
  for (const [name, isRight] of Object.entries(fields)) {
    if (!isRight(value[name])) {
      const found = JSON.stringify(value[name]) ?? 'nothing';
      throw new SyntaxError(
        `${value.record}, ${name}: ${found.length > MOST_SHOWN ? `${found.slice(0, MOST_SHOWN)}…` : found}`,
      );
    }
  }
  return value as unknown as JournalRecord;
}

/** Characters of a wrong value in an error. */
const MOST_SHOWN = 40;

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isHash: Check = (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const isAny: Check = (value) => value !== undefined;
const listOf =
  (isOne: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(isOne);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const SOUP = { soup: isHash, split: isText, models: listOf(isText), weights: listOf(isNumber) };

/** What each kind of record must have. */
const FIELDS: Readonly<Record<JournalRecord['record'], Readonly<Record<string, Check>>>> = {
  run: { format: (value) => value === JOURNAL_FORMAT, radin: isText, fingerprint: isObject },
  start: { pid: isCount, host: isText, time: isText },
  evaluation: {
    ...SOUP,
    samples: isCount,
    part: isHash,
    score: isNumber,
    correct: (value) => value === undefined || isText(value),
  },
  lost: { ...SOUP, reason: isText },
  choice: { choice: isAny },
  end: { time: isText, facts: isAny },
};
