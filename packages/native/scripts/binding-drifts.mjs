// The three faces of the addon: the C header (src/kernels.h), the C++ binding (src/napi) and the TypeScript (lib).
//
// What is compared, for functions and enumerations that it finds itself:
// - the properties that addon.cc defines ↔ the members of AddonBinding
// - of each function: call<…, count> or host_call<…, count> ↔ the parameters ↔ the comment `// name(parameter: type, …)` ↔ each
//   `arguments.kind(arguments[position], "Expected … for parameter")`
// - each `NAME_CODES` of lib/addon.ts ↔ the enum RadinName; its states ↔ RadinState
// - constants that both sides know under their own names

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { constantsOf, enumsOf, jobOf, propertiesOf, signatureOf } from './binding-cpp.mjs';
import { addonBinding, codesOf, constantOf } from './binding-ts.mjs';

// Constants of lib/ and the ones of src/ that they are equal to.
const SAME = [
  ['BINDING_VERSION', 'kBindingVersion'],
  ['BLOCK_SAMPLES', 'kBlockSamples'],
  ['GRAM_BLOCK', 'kGramBlock'],
  ['GRAM_LANES', 'kGramLanes'],
  ['ENDED_EARLY', 'kEndedEarly'],
  ['CHANGED', 'kChanged'],
];

// A line for each drift between the faces in the package's folder.
export function bindingDrifts(root) {
  const read = (path) => readFileSync(join(root, path), 'utf8');
  const sourcesIn = (folder, ending) =>
    readdirSync(join(root, folder), { recursive: true })
      .filter((name) => name.endsWith(ending))
      .map((name) => read(join(folder, name)));

  const problems = [];
  const expect = (condition, problem) => condition || problems.push(problem);

  const lib = sourcesIn('lib', '.ts');
  const sources = [...sourcesIn('src', '.cc'), ...sourcesIn('src', '.h')];
  const enums = enumsOf(read('src/kernels.h'));

  for (const [ours, theirs] of SAME) {
    const [ts, cpp] = [constantOf(lib, ours), constantsOf(sources, theirs)];
    expect(ts !== undefined, `lib/ has no constant ${ours}`);
    expect(cpp.length > 0, `src/ has no constant ${theirs}`);
    for (const value of cpp) expect(value === ts, `${ours} is ${ts} but ${theirs} is ${value}`);
  }

  for (const [name, codes] of codesOf(read('lib/addon.ts'))) {
    const stem = name.replace(/_CODES$/, '');
    const title = `Radin${stem.toLowerCase().replace(/(^|_)(\w)/g, (_, __, letter) => letter.toUpperCase())}`;
    const members = enums.get(title);
    if (members === undefined) {
      problems.push(`${name} has no enum ${title} in src/kernels.h`);
      continue;
    }
    const plain = new Map([...members].map(([member, value]) => [member.replace(`${stem}_`, ''), value]));
    for (const [key, value] of codes) {
      const found = plain.get(key.toUpperCase().replaceAll('-', '_'));
      expect(found === value, `${name}.${key} is ${value} but in ${title} it is ${found ?? 'absent'}`);
    }
    expect(plain.size === codes.size, `${name} has ${codes.size} codes but ${title} has ${plain.size}`);
  }

  for (const state of ['QUEUED', 'CANCELLED']) {
    const [ts, cpp] = [constantOf(lib, state), enums.get('RadinState')?.get(state)];
    expect(ts !== undefined && ts === cpp, `${state} is ${ts} but in RadinState it is ${cpp ?? 'absent'}`);
  }

  const binding = addonBinding(read('lib/addon.ts'));
  const addon = read('src/napi/addon.cc');
  const properties = propertiesOf(addon);
  expect(properties.size > 0, 'src/napi/addon.cc defines no properties that this script can read');
  for (const name of binding.keys()) expect(properties.has(name), `${name} is in AddonBinding but not in addon.cc`);
  const [most = 0] = constantsOf(sources, 'kMaximum');

  for (const [name, property] of properties) {
    const parameters = binding.get(name);
    if (parameters === undefined) {
      problems.push(`${name} is in addon.cc but not in AddonBinding`);
      continue;
    }
    if (property === undefined) continue; // a value, or a function that is not a call
    const { ofBackend, count, maker } = property;
    const names = parameters.map((parameter) => parameter.name);
    expect(
      names.length === count,
      `${name} has ${names.length} parameters in AddonBinding but ${count} arguments in addon.cc`,
    );
    expect(count <= most, `${name} has ${count} arguments but kMaximum is ${most}`);
    expect(
      (names[0] === 'backend') === ofBackend && names.at(-1) === 'state',
      `${name} does not ${ofBackend ? 'begin with backend and ' : ''}end with state`,
    );
    checkComment(name, parameters);
    checkReads(name, parameters, jobOf(sources, maker), ofBackend ? 1 : 0);
  }

  function checkComment(name, parameters) {
    const signature = signatureOf(sources, name);
    if (signature === undefined) {
      problems.push(`${name} has no comment "// ${name}(…)" in src/napi`);
      return;
    }
    const expanded = signature.flatMap((part) => {
      if (!part.name.startsWith('…')) return [part];
      const begin = signature.indexOf(part);
      return parameters.slice(begin, begin + parameters.length - signature.length + 1);
    });
    const [theirs, ours] = [expanded, parameters].map((list) => list.map((parameter) => parameter.name).join(', '));
    expect(theirs === ours, `${name}(${ours}) in AddonBinding is ${name}(${theirs}) in its comment in src/napi`);
    for (const [position, { type }] of expanded.entries()) {
      const declared = parameters[position]?.type;
      const agrees = type === undefined || declared === undefined || type === declared;
      expect(
        agrees,
        `${name}'s ${parameters[position]?.name} is ${declared} in AddonBinding but ${type} in its comment`,
      );
    }
  }

  // What a job reads of its arguments: the kind of each, and under which name it is refused.
  function checkReads(name, parameters, job, first) {
    if (job === undefined) {
      problems.push(`${name}'s job is not found in src/napi`);
      return;
    }
    for (const { position, kind, label } of job) {
      const parameter = parameters[position];
      if (parameter === undefined) {
        problems.push(`${name} reads arguments[${position}] of ${parameters.length}`);
        continue;
      }
      const isRead = kind === undefined || kind === (parameter.type.endsWith('[]') ? 'Array' : parameter.type);
      expect(
        isRead,
        `${name}'s ${parameter.name} is ${parameter.type} in AddonBinding but read as ${kind} in src/napi`,
      );
      const isNamed = label === undefined || label === parameter.name;
      expect(isNamed, `${name} reads arguments[${position}], ${parameter.name} in AddonBinding, as ${label}`);
    }
    const readPositions = new Set(job.map(({ position }) => position));
    for (let position = first; position < parameters.length - 1; position++) {
      expect(readPositions.has(position), `${name}'s ${parameters[position].name} is not read in src/napi`);
    }
  }

  return problems;
}
