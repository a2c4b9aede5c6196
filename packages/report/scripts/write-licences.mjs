// The licences of the libraries in the page's scripts and of what they depend on, as one text: they ask to be passed on with copies.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BUNDLED = ['vega', 'vega-interpreter'];

function folderOf(name, from) {
  const folder = join(from, 'node_modules', name);
  if (existsSync(join(folder, 'package.json'))) return folder;
  if (dirname(from) === from) throw new Error(`Expected the package ${name} but found none`);
  return folderOf(name, dirname(from));
}

const folders = new Set();
function add(folder) {
  if (folders.has(folder)) return;
  folders.add(folder);
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies)) add(folderOf(name, folder));
}

const root = fileURLToPath(new URL('..', import.meta.url));
for (const name of BUNDLED) add(folderOf(name, root));

const packages = new Map();
for (const folder of folders) {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  const { name, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const text = file === undefined ? license : readFileSync(join(folder, file), 'utf8').trim();
  packages.set(text, [...(packages.get(text) ?? []), name]);
}
const licences = [...packages].map(([text, names]) => `${[...new Set(names)].sort().join(', ')}:\n\n${text}\n`);
writeFileSync(process.argv[2], licences.join('\n'));
