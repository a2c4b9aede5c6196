export { Mixture } from './mixture.js';
export { Soup } from './soup.js';
export { writeSoup } from './write-soup.js';
