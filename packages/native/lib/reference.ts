/** The contract of backend.ts in plain TypeScript, written to be read: the oracle of the tests, and what works everywhere. */

import type { Backend } from './backend.js';
import { average } from './reference-average.js';
import { openReferenceBank } from './reference-bank.js';
import { crossEntropy } from './reference-cross-entropy.js';
import { openCrossEntropyBank } from './reference-cross-entropy-bank.js';
import { gram } from './reference-gram.js';
import { predict } from './reference-predict.js';

export const referenceBackend: Backend = {
  name: 'reference',
  average,
  openBank: openReferenceBank,
  crossEntropy,
  openCrossEntropyBank,
  gram,
  predict,
};
