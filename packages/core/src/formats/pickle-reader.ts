import { failFormat } from './format-error.js';
import { Machine } from './pickle-machine.js';
import { OPERATIONS } from './pickle-operations.js';
import { PickleProblem, type PickleValue, type PickleVocabulary, refuse } from './pickle-values.js';

const PROTO = 0x80;
const STOP = 0x2e;

/**
 * Reads a pickle of protocol 2 to 5 as data: a stack machine that makes values, and looks names up in `vocabulary` only. No recursion,
 * and values are shared and never copied, so time and memory grow with the bytes, whatever they say.
 * @param where the file, for errors
 * @throws RadinError `FORMAT` for anything else than a whole pickle of what the vocabulary has
 */
export function readPickle(bytes: Uint8Array, vocabulary: PickleVocabulary, where: string): PickleValue {
  const machine = new Machine(bytes, vocabulary);
  try {
    run(machine);
    return machine.pop();
  } catch (error) {
    if (!(error instanceof PickleProblem)) throw error;
    return failFormat(error.expected, error.found, `${where}, byte ${machine.input.at} of its pickle`);
  }
}

function run(machine: Machine): void {
  const { input } = machine;
  if (input.uint8() !== PROTO) refuse('a pickle of protocol 2 or newer', 'something else');
  input.at = 0;
  for (let code = input.uint8(); code !== STOP; code = input.uint8()) {
    const operation = OPERATIONS[code];
    if (operation === undefined) refuse('operations that pickles of tensors have', `0x${code.toString(16)}`);
    operation(machine);
  }
}
