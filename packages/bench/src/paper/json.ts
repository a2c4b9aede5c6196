import type { PaperResult } from './result.js';

/** `paper.json`: indented, lists of numbers in one line each. */
export function paperJson(result: PaperResult): string {
  return `${JSON.stringify(result, null, 1).replace(/\[[-\d\s.,e+]*\]/g, (list) => list.replace(/\s+/g, ''))}\n`;
}

/** Without the candidates of all seeds but the first, of which nothing but the statistics is shown. */
export function withFirstCandidates(result: PaperResult): PaperResult {
  return {
    ...result,
    seeds: result.seeds.map((seed, index) => {
      const { candidates: _, ...statistics } = seed;
      return index === 0 ? seed : statistics;
    }),
  };
}
