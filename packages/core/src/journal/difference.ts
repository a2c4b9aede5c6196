import { quote } from '../errors/index.js';
import type { Json } from './record.js';

/** Where two fingerprints differ first. */
export interface Difference {
  /** The name of the value, those of the objects around it first: `models m03`. */
  readonly name: string;
  /** The two values, short enough for a line. */
  readonly expected: string;
  readonly found: string;
}

/** Undefined where the two are the same. */
export function firstDifference(
  expected: Json | undefined,
  found: Json | undefined,
  name = '',
): Difference | undefined {
  if (isObject(expected) && isObject(found)) {
    // Those of the object that has more come first: an option that one of them lacks is the cause of what differs behind it.
    const names = [Object.keys(expected), Object.keys(found)].sort((a, b) => b.length - a.length).flat();
    for (const key of new Set(names)) {
      const inside = firstDifference(memberOf(expected, key), memberOf(found, key), `${name} ${key}`.trim());
      if (inside !== undefined) return inside;
    }
    return undefined;
  }
  if (JSON.stringify(expected) === JSON.stringify(found)) return undefined;
  return { name: cut(name), expected: shown(expected), found: shown(found) };
}

type JsonObject = { readonly [name: string]: Json };

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function memberOf(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Characters of a hash that tell it from another one to the eye. */
const HASH_SHOWN = 12;
/** Characters of a list, an object or a name, which say what it is. */
const MOST_SHOWN = 100;

function shown(value: Json | undefined): string {
  if (value === undefined) return 'none';
  if (typeof value === 'string') return /^[0-9a-f]{64}$/.test(value) ? `${value.slice(0, HASH_SHOWN)}…` : quote(value);
  return cut(JSON.stringify(value));
}

function cut(text: string): string {
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;
}
