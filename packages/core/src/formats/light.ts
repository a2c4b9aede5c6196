/**
 * What evaluation threads and the cache use of this folder. Each thread loads its modules anew, and commands that look after the cache need
 * nothing else; all of this folder, with its libraries, takes 0.1 s.
 */
export { type FileSink, writeFileAtomically, writeTextAtomically } from './atomic-file.js';
export { dtypeBytes } from './dtype.js';
export { makeFolder } from './make-folder.js';
export { allocate, changedFile, endedEarly, type RegularFile, stampOf, withRegularFile } from './regular-file.js';
export { TemporaryFile } from './temporary-file.js';
