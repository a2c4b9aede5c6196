/** What evaluation threads, each of which loads its modules anew, use of this folder. */
export { RowReader } from './row-reader.js';
