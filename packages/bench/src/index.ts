export type { PaperEvents, PaperPool } from './paper/bench.js';
export { paperJson } from './paper/json.js';
export { defaultChoices, type PaperChoices } from './paper/options.js';
export { paperPage } from './paper/page/paper-page.js';
export type { PaperResult } from './paper/result.js';
export { runPaper } from './paper/run-paper.js';
export { paperText } from './paper/text.js';
