import type { Logits } from '@radin/core';
import type { Outcome } from './contender.js';
import type { AverageDifference } from './python-souping.js';
import type { Check } from './result.js';

/** Predictions of all models by both sides, and how far apart their logits are. Both are [N][M, C]. */
export function compareSingles(ours: readonly Logits[], peers: Float32Array): Check {
  let [largest, base] = [0, 0];
  const apart: { readonly model: number; readonly sample: number; readonly margin: number }[] = [];
  for (const [model, { values, samples, classes }] of ours.entries()) {
    for (let sample = 0; sample < samples; sample++) {
      const row = values.subarray(sample * classes, (sample + 1) * classes);
      const other = peers.subarray(base + sample * classes, base + (sample + 1) * classes);
      for (const [index, value] of row.entries()) {
        largest = Math.max(largest, Math.abs(value - (other[index] as number)));
      }
      const [mine, theirs] = [argMax(row), argMax(other)];
      if (mine !== theirs) apart.push({ model, sample, margin: (row[mine] as number) - (row[theirs] as number) });
    }
    base += samples * classes;
  }
  const predictions = ours.reduce((sum, { samples }) => sum + samples, 0);
  const widest = Math.max(0, ...apart.map(({ margin }) => margin));
  // A prediction can only change by rounding where the two classes are closer than twice the largest difference of a logit.
  const ties = widest <= 2 * largest && largest < 1e-2;
  const how = apart.length === 0 ? '' : `, by a margin of at most ${widest.toPrecision(2)}`;
  return {
    agrees: ties,
    text: `predictions of the single models: ${predictions}, of which ${apart.length} differ${how}; logits differ by at most ${largest.toPrecision(2)}`,
  };
}

/** The order of greedy, the score of each step and what it kept. */
export function compareTraces(ours: Outcome, peers: Outcome): Check {
  const [mine, theirs] = [ours.trace ?? [], peers.trace ?? []];
  const step = mine.findIndex(
    ({ model, score, kept }, index) =>
      model !== theirs[index]?.model || kept !== theirs[index]?.kept || !close(score, theirs[index]?.score),
  );
  if (step < 0 && mine.length === theirs.length) {
    return { agrees: true, text: `greedy: the same ${mine.length} steps, with the same scores and models kept` };
  }
  const at = (trace: Outcome['trace']) => {
    const found = trace?.[step];
    return found === undefined ? 'none' : `model ${found.model} scored ${found.score}${found.kept ? ', kept' : ''}`;
  };
  return { agrees: false, text: `greedy: step ${step + 1} differs: ours ${at(mine)}; torch's ${at(theirs)}` };
}

/** RADIN's approximate scores, which candidates were evaluated, and their real scores where both sides know them. */
export function compareRadin(ours: Outcome, peers: Outcome): Check[] {
  const [mine, theirs] = [ours.candidates ?? new Map(), peers.candidates ?? new Map()];
  const keys = [...mine.keys()];
  const apart = keys.filter((key) => !close(mine.get(key)?.approxScore, theirs.get(key)?.approxScore));
  const both = keys.filter((key) => mine.get(key)?.valScore !== undefined && theirs.get(key)?.valScore !== undefined);
  const wrong = both.filter((key) => !close(mine.get(key)?.valScore, theirs.get(key)?.valScore));
  const common = (peers.evaluated ?? []).filter((key) => ours.evaluated?.includes(key)).length;
  const least = Math.min(...(peers.evaluated ?? []).map((key) => theirs.get(key)?.approxScore as number));
  const tied = keys.filter((key) => close(theirs.get(key)?.approxScore, least)).length;
  const soups = peers.evaluated?.length ?? 0;
  const ties = common === soups ? '' : ` (${tied} candidates tie at the last place: the order of ties is a choice)`;
  return [
    {
      agrees: apart.length === 0 && mine.size === theirs.size,
      text: `RADIN, stage 1: ${keys.length} approximate scores, of which ${apart.length} differ`,
    },
    { agrees: common === soups, text: `RADIN: ${common} of the ${soups} soups evaluated are the same${ties}` },
    {
      agrees: wrong.length === 0,
      text: `RADIN, stage 2: ${both.length} real scores that both sides know, of which ${wrong.length} differ`,
    },
  ];
}

export function compareChoice(name: string, ours: Outcome, peers: Outcome): Check {
  const same = [...ours.models].sort().join() === [...peers.models].sort().join();
  const scores = `validation ${ours.valScore} and ${peers.valScore}`;
  return { agrees: same, text: `${name}: ${same ? 'the same soup' : 'another soup'}, ${scores}` };
}

export function averageCheck(name: string, { elements, differ, loopDiffers, largest }: AverageDifference): Check {
  return {
    // Half a unit in the last place of a float32 near 1 is 6e-8.
    agrees: largest < 1e-5,
    text: `${name}, the soup's ${elements} weights against the exact average rounded once: ${differ} of ours differ, ${loopDiffers} of torch's loop; ours are off by at most ${largest.toPrecision(2)}`,
  };
}

/** Accuracies are counts over thousands of samples: anything closer than this is the same count. */
function close(a: number | undefined, b: number | undefined): boolean {
  return a !== undefined && b !== undefined && Math.abs(a - b) < 1e-9;
}

/** The lowest index among equals. */
function argMax(row: Float32Array): number {
  let best = 0;
  for (let index = 1; index < row.length; index++) if ((row[index] as number) > (row[best] as number)) best = index;
  return best;
}
