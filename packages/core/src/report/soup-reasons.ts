import type { SoupFacts } from '../explanation/index.js';
import type { Metric } from '../metric/index.js';
import { formatGain, formatScore, pValueText, signed } from './format.js';

/** One reason, with its numbers in words. */
export interface SoupReason {
  readonly reason:
    | 'result'
    | 'outside-basin'
    | 'ensemble-does-not-gain'
    | 'not-connected'
    | 'one-model-ahead'
    | 'cannot-be-told-apart'
    | 'few-evaluations';
  readonly text: string;
}

/** McNemar's p-value above which samples do not tell two predictors apart. */
const LEVEL = 0.05;

/**
 * Why soups do not beat the best single model, as far as the facts say: what came out first, then every reason that the
 * numbers support. @param ids of the models, by index
 */
export function soupReasons(facts: SoupFacts, ids: readonly string[], metric: Metric): SoupReason[] {
  const { single, soup, stopped, stoppedAtMost } = facts;
  const alone = ids[single.model] as string;
  const score = (value: number) => formatScore(value, metric);
  const gain = (value: number) => formatGain(value, metric);
  const result =
    soup !== undefined
      ? `the best soup that was evaluated in full, of ${named(soup.models, ids)}, scores ${score(soup.score)} and the single model ${alone} ${score(single.score)} (${gain(soup.score - single.score)})`
      : stoppedAtMost !== undefined
        ? `the evaluations of all ${stopped} soups were stopped: none can score above ${score(stoppedAtMost)}, and the single model ${alone} scores ${score(single.score)}`
        : `no soup of two or more models was evaluated; the best single model, ${alone}, scores ${score(single.score)}`;
  return [
    { reason: 'result', text: result },
    ...outsideReasons(facts, ids, gain),
    ...ensembleReasons(facts, alone, score, gain),
    ...aheadReason(facts, ids, gain),
    ...chanceReason(facts, alone),
    ...effortReason(facts),
  ];
}

type Format = (value: number) => string;

function outsideReasons({ outside, inside }: SoupFacts, ids: readonly string[], gain: Format): SoupReason[] {
  return outside.map(({ model, soups, medianGap }) => {
    const name = `model ${ids[model]} may be outside the basin of the others`;
    const others =
      inside.medianGap === undefined ? '' : `, the ${inside.soups} without any such model ${gain(-inside.medianGap)}`;
    const text =
      medianGap === undefined
        ? `${name}; no soup with it was evaluated in full`
        : `${name}: against their averaged logits, the evaluated soups with it (${soups}) score ${gain(-medianGap)} (median)${others}`;
    return { reason: 'outside-basin', text };
  });
}

/** Whether the ensemble gains, and whether averaging the weights keeps what it gains. */
function ensembleReasons(facts: SoupFacts, alone: string, score: Format, gain: Format): SoupReason[] {
  const { soup, single, sharedErrors, disagreement, medianGap, soups } = facts;
  if (soup === undefined || soup.score > single.score) return [];
  const ensembleGain = soup.approxScore - single.score;
  if (ensembleGain <= 0) {
    const errors =
      sharedErrors === undefined
        ? ''
        : `; another model makes ${percent(sharedErrors)} of the errors of ${alone} too, and two models differ in which samples they get right on ${percent(disagreement as number)} of them, on average`;
    return [
      {
        reason: 'ensemble-does-not-gain',
        text: `the averaged logits of that soup score ${score(soup.approxScore)}, no more than ${alone} alone: its models together know nothing that a soup could keep${errors}`,
      },
    ];
  }
  if (soup.score >= soup.approxScore) return [];
  return [
    {
      reason: 'not-connected',
      text: `the averaged logits of that soup gain ${gain(ensembleGain)} over ${alone}, but averaging its weights loses ${gain(soup.score - soup.approxScore)} of them: its models are not well connected in weight space (median of ${soups} evaluated: ${gain(-(medianGap as number))})`,
    },
  ];
}

function aheadReason({ single, runnerUp, poolSize }: SoupFacts, ids: readonly string[], gain: Format): SoupReason[] {
  if (runnerUp?.versus === undefined || runnerUp.versus.pValue >= LEVEL) return [];
  return [
    {
      reason: 'one-model-ahead',
      text: `${ids[single.model]} is ${gain(single.score - runnerUp.score)} ahead of the next best of ${poolSize} models, ${ids[runnerUp.model]} (McNemar's ${pValueText(runnerUp.versus.pValue)}): every soup mixes it with weaker models`,
    },
  ];
}

function chanceReason({ soup, samples }: SoupFacts, alone: string): SoupReason[] {
  if (soup?.versus === undefined || soup.versus.pValue < LEVEL) return [];
  const { onlyFirst, onlySecond, pValue, lower, upper } = soup.versus;
  return [
    {
      reason: 'cannot-be-told-apart',
      text: `${samples} samples do not tell the two apart: ${onlyFirst} are right only with the soup and ${onlySecond} only with ${alone} (McNemar's ${pValueText(pValue)}; difference from ${signed(100 * lower, 2)} to ${signed(100 * upper, 2)} points)`,
    },
  ];
}

function effortReason({ evaluations, scored, poolSize }: SoupFacts): SoupReason[] {
  if (evaluations >= poolSize || evaluations >= scored) return [];
  return [
    {
      reason: 'few-evaluations',
      text: `${evaluations} of ${scored} candidates were evaluated; a larger --budget tries more (greedy tries up to ${poolSize})`,
    },
  ];
}

/** Most names in a sentence. */
const MOST_NAMES = 5;

function named(models: readonly number[], ids: readonly string[]): string {
  const names = models.slice(0, MOST_NAMES).map((model) => ids[model]);
  return models.length > MOST_NAMES
    ? `${models.length} models (${names.join(', ')}, …)`
    : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
