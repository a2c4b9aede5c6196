import { z } from 'zod';
import { quote, RadinError } from '../errors/index.js';
import { TASKS } from '../metric/index.js';
import type { SoupRecord } from '../mixture/index.js';
import type { Lock } from './lock.js';

const text = z
  .string()
  .min(1)
  .max(2 ** 16);
const hash = z.string().regex(/^[0-9a-f]{64}$/, 'Expected 64 hexadecimal digits');
const count = z.int().min(0);
const number = z.number();
const named = <T extends z.ZodType>(value: T) => z.record(text, value);

const record = z
  .strictObject({
    format: z.literal(1).optional(),
    models: z.array(text).min(1),
    weights: z.array(number.positive()).min(1),
    sha256: z.array(hash).optional(),
    versions: z.strictObject({ radin: text, averaging: count, onnxruntime: text.optional() }).optional(),
    method: text.optional(),
    budget: count.optional(),
    seed: count.optional(),
    metric: text.optional(),
    task: text.optional(),
    splits: named(z.strictObject({ samples: count, inputs: hash.optional(), labels: hash })).optional(),
    holdOut: number.gt(0).lt(1).optional(),
    scores: named(number).optional(),
    batchNorm: z.strictObject({ inputs: hash, samples: count }).optional(),
  })
  .refine(({ models, weights }) => models.length === weights.length, 'Expected a weight for each model')
  .refine(
    ({ models, sha256 }) => sha256 === undefined || sha256.length === models.length,
    'Expected a sha256 for each model',
  );

const place = z.strictObject({ path: text, bytes: count });
const file = place.extend({ sha256: hash });
const array = z.union([text, z.array(text).min(1)]);
const inputs = z.union([array, named(array)]);
const split = z.strictObject({ inputs: inputs.optional(), labels: array, groups: array.optional() });

const lock = z
  .strictObject({
    format: z.literal(1),
    record,
    soup: text,
    adapter: text.optional(),
    files: z.array(file).min(1),
    results: z.array(file).optional(),
    ingredients: z.array(z.strictObject({ id: text, files: z.array(place).min(1) })),
    others: z.array(file),
    sources: z.strictObject({
      graph: text.optional(),
      architecture: z.array(text).min(1).optional(),
      base: text.optional(),
      stateDict: text.optional(),
      output: text.optional(),
      rename: z.record(z.string(), z.string()).optional(),
      task: z.strictObject({ name: z.enum(TASKS), ignoreIndex: z.int().optional() }).optional(),
      batchNormInputs: inputs.optional(),
      validation: split.optional(),
      test: split.optional(),
      batch: z.int().min(1).max(65536).optional(),
    }),
  })
  .refine(
    ({ record: { models }, ingredients }) =>
      models.length === ingredients.length && models.every((id, at) => ingredients[at]?.id === id),
    'Expected the ingredients that the record names, in its order',
  );

/** The lock in a text. @throws RadinError `FORMAT` naming `path` and the first thing that is not as it must be */
export function parseLock(json: string, path: string): Lock {
  return checked(lock, json, `a lock of RADIN in ${path}`) as Lock;
}

/** The record in a soup's metadata. @throws RadinError `FORMAT` as `parseLock` */
export function parseRecord(json: string, path: string): SoupRecord {
  return checked(record, json, `a record of RADIN under "radin" in the metadata of ${path}`) as SoupRecord;
}

function checked(schema: z.ZodType, json: string, expected: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new RadinError('FORMAT', `Expected ${expected}, but it is no JSON`, { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues as [z.core.$ZodIssue];
  const place = issue.path.length === 0 ? 'it' : quote(issue.path.map(String).join('.'));
  throw new RadinError(
    'FORMAT',
    `Expected ${expected}, but found of ${place}: ${issue.message.replace(/\s+/g, ' ').slice(0, 200)}`,
  );
}
