/** What evaluation threads use of this folder. Each thread loads its modules anew; all of this folder, with its libraries, takes 0.1 s. */
export { dtypeBytes } from './dtype.js';
export { changedFile, endedEarly, stampOf } from './regular-file.js';
export { TemporaryFile } from './temporary-file.js';
