export { FiniteSumBet } from './finite-sum-bet.js';
export { type MannWhitney, mannWhitney } from './mann-whitney.js';
export { type McNemar, mcnemar } from './mcnemar.js';
export { type PairedDifference, pairedDifference } from './paired-difference.js';
export { type RankCorrelation, spearman } from './spearman.js';
export { type Interval, wilsonInterval } from './wilson.js';
export { winnersCurse } from './winners-curse.js';
