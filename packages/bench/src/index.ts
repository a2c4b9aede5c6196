export type { PaperEvents, PaperPool } from './paper/bench.js';
export { defaultChoices, type PaperChoices } from './paper/options.js';
export type { PaperResult } from './paper/result.js';
export { runPaper } from './paper/run-paper.js';
export { paperText } from './paper/text.js';
export { writePaper } from './paper/write-paper.js';
