// What check-binding.mjs knows of the C header and the C++ binding, read from their text. The patterns are those in which
// src/ is written; a function that is written otherwise is reported as not found, never passed over.

const READERS = {
  bytes: 'Uint8Array',
  int32: 'Int32Array',
  uint32: 'Uint32Array',
  float32: 'Float32Array',
  float64: 'Float64Array',
  number: 'number',
  size: 'number',
  length: 'Array',
};

// Enumerations: name → member without RADIN_ → value.
export function enumsOf(header) {
  const enums = new Map();
  for (const [, body, name] of header.matchAll(/typedef enum \{([^}]*)\} (\w+);/g)) {
    const code = body.replace(/\/\*.*?\*\//gs, '');
    const members = [...code.matchAll(/RADIN_(\w+) = (-?\d+)/g)];
    enums.set(name, new Map(members.map(([, key, value]) => [key, Number(value)])));
  }
  return enums;
}

// The values of all constants of that name.
export function constantsOf(sources, name) {
  const pattern = new RegExp(`constexpr [\\w:]+ ${name} = (-?\\d+);`, 'g');
  return sources.flatMap((text) => [...text.matchAll(pattern)].map(([, value]) => Number(value)));
}

// The module's properties: name → { whether it is one of a backend, maker of its job, count of arguments } of a call, or undefined.
export function propertiesOf(addon) {
  const properties = new Map();
  for (const [, name, rest] of addon.matchAll(/^\s*\{"(\w+)",(.*)\},$/gm)) {
    const call = /\b(call|host_call)<(\w+), (\d+)>/.exec(rest);
    properties.set(
      name,
      call === null ? undefined : { ofBackend: call[1] === 'call', maker: call[2], count: Number(call[3]) },
    );
  }
  return properties;
}

// The parameters that a comment `// name(parameter: type, …)`, of any number of lines, lists: each { name, type }, the type
// only where it is an array's. A part that begins with … stands for any number of parameters.
export function signatureOf(sources, name) {
  for (const text of sources) {
    const start = new RegExp(`^// ${name}\\(`, 'm').exec(text);
    if (start === null) continue;
    const comment = /^(?:\/\/.*\n)+/
      .exec(text.slice(start.index))[0]
      .replace(/\n?\/\/ */g, ' ')
      .trim();
    return partsOfList(comment.slice(name.length + 1)).map((part) => {
      const [parameter, type] = part.split(/: */, 2);
      const array = /^\(?(\w+Array)(?: \| null\))?(\[\])?(?!\w)/.exec(type ?? '');
      return { name: parameter, type: array === null ? undefined : `${array[1]}${array[2] ?? ''}` };
    });
  }
  return undefined;
}

// The parts between commas up to the bracket that closes the list, of which the text begins after the opening one.
function partsOfList(text) {
  const parts = [''];
  let depth = 0;
  for (const letter of text) {
    if (letter === ')' && depth === 0) break;
    if ('(['.includes(letter)) depth++;
    if (')]'.includes(letter)) depth--;
    if (letter === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += letter;
  }
  return parts.map((part) => part.trim());
}

// What the job that `maker` makes reads of its arguments, itself or by a helper that is given the first position: the
// position, the kind where a typed reader reads it, and the parameter that the message names.
export function jobOf(sources, maker) {
  for (const text of sources) {
    const made = new RegExp(`${maker}\\([^)]*\\) \\{\\s*return std::make_unique<(\\w+)>`).exec(text);
    if (made === null) continue;
    const body = new RegExp(`^class ${made[1]} .*?^\\};`, 'ms').exec(text)?.[0];
    return body === undefined ? undefined : [...readsOf(body), ...readsOfHelpers(body, sources)];
  }
  return undefined;
}

// Reads of `arguments[number]`, or in a helper, whose parameter is `first`, of `arguments[first + number]`.
function readsOf(body, first) {
  const position = first === undefined ? '(\\d+)' : `${first}(?: \\+ (\\d+))?`;
  const reads = [];
  const reader = new RegExp(
    `(?:arguments\\.(\\w+)\\(\\s*)?arguments\\[${position}\\](?:\\s*,\\s*"Expected [^"]*? for (\\w+)")?`,
    'g',
  );
  for (const [, kind, at = 0, label] of body.matchAll(reader)) {
    reads.push({ position: Number(at), kind: READERS[kind], label });
  }
  const sources = new RegExp(
    `arguments\\.sources\\(\\s*arguments\\[${position}\\],\\s*arguments\\[${position}\\]`,
    'g',
  );
  for (const [, arrays = 0, ranges = 0] of body.matchAll(sources)) {
    reads.push({ position: Number(arrays), kind: 'Array' }, { position: Number(ranges), kind: 'Float64Array' });
  }
  return reads;
}

// Calls `helper(arguments, position…` of functions, and of members whose class is the helper.
function readsOfHelpers(body, sources) {
  return [...body.matchAll(/\b(\w+)\(arguments, (\d+)/g)].flatMap(([, called, position]) => {
    const type = new RegExp(`^\\s*(?:const )?(\\w+) ${called};`, 'm').exec(body)?.[1];
    const name = type === undefined ? called : `${type}::${type}`;
    const definition = new RegExp(
      `^[^\\n(]*\\b${name}\\(const Arguments& arguments, size_t (\\w+)[^{;]*?\\)\\s*(?::[^;]*?)?\\{.*?^\\}`,
      'ms',
    );
    const found = sources.map((text) => definition.exec(text)).find((match) => match !== null);
    if (found === undefined) return [];
    return readsOf(found[0], found[1]).map((read) => ({ ...read, position: read.position + Number(position) }));
  });
}
