// Checks that the three faces of the addon agree: the C header (src/kernels.h), the C++ binding (src/napi) and the TypeScript
// (lib). A drift between them compiles: a code that means another dtype, arguments in another order, a version that was not
// raised in both places. Prints a line per drift.
//
//   node scripts/check-binding.mjs [FOLDER of the package]

import { fileURLToPath } from 'node:url';
import { bindingDrifts } from './binding-drifts.mjs';

const problems = bindingDrifts(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)));
for (const problem of problems) console.error(`binding: ${problem}`);
process.exit(problems.length === 0 ? 0 : 1);
