import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** Packages that a module loads, itself or by what it imports; imports of types load nothing. */
function packagesOf(url: URL, seen = new Set<string>()): string[] {
  if (seen.has(url.href)) return [];
  seen.add(url.href);
  const source = readFileSync(fileURLToPath(url), 'utf8');
  const imports = source.matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)';/gm);
  return [...imports].flatMap(([, name = '']) =>
    name.startsWith('.') ? packagesOf(new URL(name.replace(/\.js$/, '.ts'), url), seen) : [name],
  );
}

test.each(['onnx-host', 'onnx-worker'])(
  '%s loads no library besides ONNX Runtime, so that it starts at once',
  (name) => {
    const packages = packagesOf(new URL(`../../src/evaluator/${name}.ts`, import.meta.url));
    expect(packages.filter((found) => !found.startsWith('node:') && found !== 'onnxruntime-node')).toEqual([]);
  },
);
