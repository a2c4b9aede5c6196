export { averageSoups } from './average-soups.js';
export { AVERAGING_VERSION } from './averaging-version.js';
export { Mixture } from './mixture.js';
export { type MixedCheckpoint, type OpenSoup, Soup } from './soup.js';
export type { SoupPart } from './soup-part.js';
export { LOCK_FILE, plainRecord, RECORD_KEY, type RecordedSplit, type SoupRecord } from './soup-record.js';
export { tensorChunks } from './tensor-chunks.js';
export { isOnnxPool, writeCheckpoint, writeSoup } from './write-soup.js';
