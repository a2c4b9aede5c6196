/** What evaluation threads, each of which loads its modules anew, use of this folder. */
export { fromHalf, toFloat32, toHalf } from './convert.js';
