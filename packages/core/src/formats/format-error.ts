import { RadinError } from '../errors/index.js';

/** Refuses a file's bytes: `FORMAT`. `where` is the file and, where known, the tensor. */
export function failFormat(expected: string, found: string, where: string): never {
  throw new RadinError('FORMAT', `Expected ${expected} but found ${found} in ${where}`);
}
