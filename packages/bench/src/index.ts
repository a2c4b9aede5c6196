export type { PaperEvents, PaperPool } from './paper/bench.js';
export { PAPER_KINDS } from './paper/kinds.js';
export { defaultChoices, type PaperChoices } from './paper/options.js';
export type { PaperResult } from './paper/result.js';
export { howToGoOn, runPaper } from './paper/run-paper.js';
export { paperText } from './paper/text.js';
export { writePaperJson } from './paper/write-paper.js';
