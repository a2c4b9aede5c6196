export type { Difference } from './difference.js';
export { lockBeside } from './find-lock.js';
export { type LockContent, type SoupSources, writeLock } from './lock.js';
export { type NamedSoup, nameSoup } from './named-soup.js';
export { averageRecord, checkUnchanged, choiceRecord, type RecordedChoice } from './record.js';
export { type Verification, type VerifyOptions, verifySoup } from './verify.js';
export { type VerifiedScores, type VerifyScoresOptions, verifyScores } from './verify-scores.js';
