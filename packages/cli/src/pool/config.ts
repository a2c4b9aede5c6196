import { dirname } from 'node:path';
import { quote, RadinError, readSmallFile, TASKS } from '@radin/core';
import { closest, distance } from 'fastest-levenshtein';
import { isMap, isPair, isScalar, LineCounter, type Node, type Pair, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { isMetric, noMetric } from './metric-choice.js';

/** Room for the names of some 4,000 models; a pattern names more. Of the worst text the parser takes 1.3 KB of memory for each byte. */
const LARGEST = 2 ** 18;

const paths = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]);

const inputs = z.union(
  [paths, z.record(z.string().min(1), paths).refine((named) => Object.keys(named).length > 0)],
  'Expected a file, a list of files, or one of these for each name of an input of the graph',
);

const splitFiles = z.strictObject({
  inputs: inputs.optional(),
  labels: paths,
  logits: paths.optional(),
  groups: paths.optional(),
});

const evaluator = z.strictObject({
  command: z.union(
    [z.string().min(1), z.array(z.string()).min(1)],
    'Expected a text, or a list of a program and its arguments',
  ),
  slots: z.int().min(1).max(1024).optional(),
  timeout: z.number().positive().max(1e6).optional(),
  retries: z.int().min(0).max(100).optional(),
  weights: z.literal('safetensors').optional(),
  version: z.union([z.string(), z.number()], 'Expected a text or a number').optional(),
});

const schema = z.strictObject({
  graph: z.string().min(1).optional(),
  models: paths.optional(),
  base: z.string().min(1).optional(),
  init: z.string().min(1).optional(),
  evaluator: evaluator.optional(),
  rename: z.record(z.string(), z.string()).optional(),
  validation: splitFiles,
  test: splitFiles.optional(),
  logits: paths.optional(),
  bn_inputs: inputs.optional(),
  output: z.string().min(1).optional(),
  state_dict: z.string().min(1).optional(),
  task: z.enum(TASKS).optional(),
  ignore_index: z.int().optional(),
  metric: z.string().min(1).optional(),
});

/** What a `radin.yaml` says, as written. */
type PoolConfig = z.infer<typeof schema>;

export interface LoadedConfig {
  readonly config: PoolConfig;
  /** The folder that paths are relative to. */
  readonly folder: string;
  /** `file:line:column` of a key such as `models`, or of one in it, for errors that show up later. */
  readonly locate: (...keys: string[]) => string;
}

/** Reads a `radin.yaml`. @throws RadinError with `file:line:column` of the first key that is unknown, missing or of a wrong type */
export async function loadConfig(path: string): Promise<LoadedConfig> {
  const text = await readText(path);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const [syntax] = document.errors;
  if (syntax !== undefined) {
    // What is nested too deeply to be parsed ends in the engine's own words.
    const found = /call stack/i.test(syntax.message)
      ? 'values nested too deeply'
      : syntax.code === 'MULTIPLE_DOCS'
        ? 'more than one document'
        : oneLine(syntax.message);
    throw new RadinError('CONFIG', `Expected valid YAML but found: ${found} at ${at(syntax.pos[0])}`);
  }
  checkKeys(document, at);
  const locate = (...keys: PropertyKey[]) => at(offsetOf(document.contents, keys));
  const parsed = schema.safeParse(toPlain(document, at));
  if (!parsed.success) throw firstIssue(parsed.error, locate, keysAt);
  const { metric, task } = parsed.data;
  if (metric !== undefined && !isMetric(metric)) {
    throw noMetric({ text: metric, key: '"metric"', at: locate('metric') }, task ?? 'multi-class');
  }
  return {
    config: parsed.data,
    folder: dirname(path),
    locate,
  };
}

async function readText(path: string): Promise<string> {
  const bytes = await readSmallFile(path, LARGEST);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new RadinError('CONFIG', `Expected text in UTF-8 but found other bytes in ${path}`, { cause: error });
  }
}

/** The parser's own comparison of each key with all others takes minutes for a file of many keys. */
function checkKeys(document: ReturnType<typeof parseDocument>, at: (offset: number) => string): void {
  visit(document, {
    Map(_, { items }) {
      const keys = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (keys.has(key.value)) {
          throw new RadinError(
            'CONFIG',
            `Expected different keys but found ${quote(String(key.value))} twice at ${at(key.range?.[0] ?? 0)}`,
          );
        }
        keys.add(key.value);
      }
    },
  });
}

function toPlain(document: ReturnType<typeof parseDocument>, at: (offset: number) => string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    let offset = 0;
    visit(document, {
      Alias(_, node) {
        offset = node.range?.[0] ?? 0;
        return visit.BREAK;
      },
    });
    throw new RadinError(
      'CONFIG',
      `Expected plain YAML but found a reference that cannot be resolved at ${at(offset)}; a pattern that begins with * must be in quotes`,
      { cause: error },
    );
  }
}

function firstIssue(
  error: z.ZodError,
  locate: (...keys: PropertyKey[]) => string,
  known: (path: readonly PropertyKey[]) => readonly string[],
): RadinError {
  // A misspelt key is reported as itself, not as the one that is missing for it.
  const misspelt = error.issues.find(({ code }) => code === 'unrecognized_keys');
  const issue = misspelt ?? (error.issues[0] as z.core.$ZodIssue);
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] as string;
    const keys = known(issue.path);
    const nearest = closest(key, [...keys]);
    const hint = distance(key, nearest) <= 3 ? `; did you mean ${quote(nearest)}?` : '';
    return new RadinError(
      'CONFIG',
      `Expected one of the keys ${keys.join(', ')} but found ${quote(key)} at ${locate(...issue.path, key)}${hint}`,
    );
  }
  if (issue.code === 'invalid_type' && issue.path.length > 0 && issue.message.endsWith('received undefined')) {
    return new RadinError(
      'CONFIG',
      `Expected the key ${quote(issue.path.map(String).join('.'))} but found none at ${locate(...issue.path)}`,
    );
  }
  const name = issue.path.length === 0 ? 'the file' : quote(issue.path.map(String).join('.'));
  return new RadinError(
    'CONFIG',
    `Expected ${name} to be valid but found: ${oneLine(issue.message)} at ${locate(...issue.path)}`,
  );
}

/** Keys that may stand at a place of the file. */
function keysAt(path: readonly PropertyKey[]): readonly string[] {
  if (path.length === 0) return Object.keys(schema.shape);
  return Object.keys(path[0] === 'evaluator' ? evaluator.shape : splitFiles.shape);
}

/** Offset of the key at the end of the path, or of the nearest thing around it that exists. */
function offsetOf(contents: unknown, keys: readonly PropertyKey[]): number {
  let node = contents as Node | null;
  let offset = node?.range?.[0] ?? 0;
  for (const key of keys) {
    if (!isMap(node)) break;
    const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === key) as
      | Pair<Node, Node | null>
      | undefined;
    if (pair === undefined) break;
    offset = pair.key.range?.[0] ?? offset;
    node = pair.value;
  }
  return offset;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
