export { averageSoups, type SoupPart } from './average-soups.js';
export { AVERAGING_VERSION } from './averaging-version.js';
export { Mixture } from './mixture.js';
export { Soup } from './soup.js';
export { isOnnxPool, writeSoup } from './write-soup.js';
