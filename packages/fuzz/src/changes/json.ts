import type { Random } from '@radin/core';
import { NUMBERS, TEXTS } from './bytes.js';
import { below, of, once } from './choice.js';

/** A value of JSON as lists of members, so that keys can be there twice; `raw` is text that stands for itself. */
type Json = null | boolean | number | string | Json[] | { members: [string, Json][] } | { raw: string };

function jsonOf(value: unknown): Json {
  if (Array.isArray(value)) return value.map(jsonOf);
  if (typeof value !== 'object' || value === null) return value as Json;
  return { members: Object.entries(value).map(([key, member]) => [key, jsonOf(member)]) };
}

function textOf(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if ('raw' in value) return value.raw;
  return `{${value.members.map(([key, member]) => `${JSON.stringify(key)}:${textOf(member)}`).join(',')}}`;
}

function odd(random: Random): Json {
  switch (below(random, 8)) {
    case 0:
      return { raw: of(random, NUMBERS) };
    case 1:
      return of(random, TEXTS);
    case 2:
      return of(random, [null, true, false, [], { members: [] }]);
    case 3:
      return { raw: '['.repeat(200) + ']'.repeat(once(random, 2) ? 200 : 199) };
    case 4:
      return { raw: of(random, ['1e999', '-1e999', '1e-999', '0.1', '-1', '9007199254740993', '[', '"', '\\u0000']) };
    default:
      return of(random, [0, 1, -1, 2, 1.5, 2 ** 31, 2 ** 53, -(2 ** 31), 1e300]);
  }
}

/** Places of the tree at which something can be put. */
function places(
  value: Json,
  found: ((put: (old: Json) => Json) => void)[] = [],
): ((put: (old: Json) => Json) => void)[] {
  if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) {
      found.push((put) => {
        value[at] = put(item);
      });
      places(item, found);
    }
  } else if (typeof value === 'object' && value !== null && 'members' in value) {
    for (const member of value.members) {
      found.push((put) => {
        member[1] = put(member[1]);
      });
      places(member[1], found);
    }
  }
  return found;
}

function change(random: Random, old: Json): Json {
  if (once(random, 3)) return odd(random);
  if (Array.isArray(old)) {
    const items = [...old];
    const at = below(random, items.length + 1);
    const again = items[below(random, items.length)] ?? odd(random);
    items.splice(at, below(random, 2), ...(once(random, 2) ? [again] : once(random, 2) ? [odd(random)] : []));
    return items;
  }
  if (typeof old === 'object' && old !== null && 'members' in old) {
    const members = old.members.map(([key, value]): [string, Json] => [key, value]);
    const at = below(random, members.length);
    const [key, value] = members[at] ?? ['x', null];
    const put: [string, Json][][] = [
      [],
      [
        [key, value],
        [key, value],
      ],
      [[of(random, TEXTS), value]],
      [[key, odd(random)]],
      [
        [key, value],
        [of(random, members)?.[0] ?? 'x', value],
      ],
    ];
    members.splice(at, 1, ...of(random, put));
    return { members };
  }
  if (typeof old === 'number')
    return of<Json>(random, [
      old + 1,
      old - 1,
      -old,
      old * 2,
      old + 0.5,
      { raw: `${old}.0` },
      { raw: `0${old}` },
      String(old),
    ]);
  if (typeof old === 'string')
    return of(random, [
      `${old}x`,
      old.slice(1),
      `${old}\0`,
      old.toUpperCase(),
      `../${old}`,
      `/${old}`,
      old.replace(/./g, '\u202e'),
    ]);
  return odd(random);
}

/** The value with some of its members and items changed, left out, there twice, renamed or nested. */
export function jsonMutant(random: Random, value: unknown, changes = 1 + below(random, 3)): string {
  let root = jsonOf(value);
  for (let left = changes; left > 0; left--) {
    const found = places(root);
    if (found.length === 0 || once(random, 30)) root = change(random, root);
    else of(random, found)((old) => change(random, old));
  }
  return textOf(root);
}
