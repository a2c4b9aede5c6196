import type { Problem } from './compatibility.js';
import { type PoolGeometry, usableModels } from './pool-geometry.js';
import { median, type WeightGeometry } from './weight-geometry.js';

/** Robust z score from which a model is worth a warning, if its distance is so many times the usual one too: in a tight pool little is far. */
const SUSPICIOUS_Z = 3;
const SUSPICIOUS_RATIO = 1.5;

/** Times the usual distance from which training did not merely leave the basin. */
const DIVERGED_RATIO = 10;

/** Parts of the usual distance below which two models are nearly the same, and down to which they are not the very same but for rounding. */
const [NEAR, EQUAL] = [0.1, 1e-4];

/** Cosines with all other models' ways from the initialisation up to which a model went another way, and the least that is usual where that can be said. */
const RIGHT_ANGLE = 0.05;
const COMMON_WAY = 0.2;

/** The standard deviation of a normal distribution in units of its median absolute deviation. */
const DEVIATIONS = 1.4826;

/**
 * The logarithm of distances is taken to vary by at least a twentieth: in a homogeneous pool they agree to a percent, and a model
 * that is three percent further is no outlier.
 */
const LEAST_SPREAD = 0.05;

/** With fewer models there is no telling which is the odd one. */
const LEAST_MODELS = 4;

/** What is suspicious of a model. */
export interface Warning extends Problem {
  readonly model: string;
  readonly verdict: 'diverged' | 'outside the basin' | 'another direction';
}

/**
 * Models that may lie outside the basin of the others, with the evidence: the robust z score (median, median absolute
 * deviation) of the logarithm of their distance from the initialisation, or from the others where it is not known, is above 3 and the
 * distance 1.5 times the usual one; or they left the initialisation at right angles to all others, or opposed to them, where these went a common
 * way. A good warning and a bad filter: soups with a diverged model are ruined though ensembles with it look fine, but in a healthy pool the
 * best models can be the farthest. And models whose weights are not numbers. No pass over the weights.
 */
export function basinWarnings(geometry: PoolGeometry): Warning[] {
  const { ids, notFinite, whole } = geometry;
  const usable = usableModels(notFinite);
  const ruined = ids.flatMap((id, k): Warning[] => {
    if (usable.includes(k)) return [];
    const count = (notFinite[k] as number) - (notFinite[usable[0] as number] as number);
    return [
      {
        model: id,
        verdict: 'diverged',
        message: `model ${id} has ${count} NaN or infinite weights where other models have numbers`,
      },
    ];
  });
  if (usable.length < LEAST_MODELS) return ruined;
  const fromOthers = usable.map((k) => distanceFromOthers(whole, usable, k));
  const fromStart = usable.flatMap((k) => whole.distanceFromStart(single(whole, k)) ?? []);
  if (median(fromOthers) === 0) return ruined;
  const isStart = fromStart.length > 0 && median(fromStart) > 0;
  const what = isStart ? 'the initialisation' : 'the other models (median)';
  const distances = isStart ? fromStart : fromOthers;
  const z = robustZ(distances);
  const turned = isStart ? otherDirections(whole, usable) : new Map<number, string>();
  const far = usable.flatMap((k, at): Warning[] => {
    const ratio = (distances[at] as number) / median(distances);
    const isFar = (z[at] as number) > SUSPICIOUS_Z && ratio >= SUSPICIOUS_RATIO;
    const distance = isFar ? described(what, distances, z, at) : undefined;
    const evidence = [distance, turned.get(k)].filter((one) => one !== undefined);
    if (evidence.length === 0) return [];
    const id = ids[k] as string;
    const message = `model ${id} may be outside the basin of the others: ${evidence.join(' and ')}; ${farthest(geometry, usable, k)}; soups with it may be ruined although its logits look harmless`;
    const verdict = ratio >= DIVERGED_RATIO ? 'diverged' : isFar ? 'outside the basin' : 'another direction';
    return [{ model: id, verdict, message }];
  });
  return [...ruined, ...far];
}

/** Models that went another way from the initialisation than all others, with the evidence. */
function otherDirections(whole: WeightGeometry, all: readonly number[]): Map<number, string> {
  // A model that is the initialisation went nowhere.
  const usable = all.filter((k) => whole.distanceFromStart(single(whole, k)) !== 0);
  const cosines = usable.map((k) => usable.filter((j) => j !== k).map((j) => Math.cos(whole.angle(k, j))));
  const usual = median(cosines.flat());
  const turned = new Map<number, string>();
  if (usual < COMMON_WAY) return turned;
  for (const [at, k] of usable.entries()) {
    const most = Math.max(...(cosines[at] as number[]));
    if (most <= RIGHT_ANGLE) {
      turned.set(
        k,
        `it left the initialisation in another direction than all others (cosines of at most ${most.toFixed(2)}, where ${usual.toFixed(2)} is usual)`,
      );
    }
  }
  return turned;
}

/** Pairs of models that are nearly the same: a tenth of the usual distance apart, as later epochs of one run are. No pass over the weights. */
export function nearDuplicates({ ids, notFinite, whole }: PoolGeometry): string[] {
  const usable = usableModels(notFinite);
  const usual = whole.medianDistance;
  return usable.flatMap((k, at) =>
    usable.slice(0, at).flatMap((j) => {
      const distance = whole.distance(j, k);
      if (usable.length < LEAST_MODELS || distance >= NEAR * usual || distance <= EQUAL * usual) return [];
      return [
        `models ${ids[j]} and ${ids[k]} are nearly the same, ${round(distance / usual)} of the usual distance apart: perhaps two epochs of one run`,
      ];
    }),
  );
}

/**
 * The median distance of each model from the others, ‖w_k − w_j‖ over all averaged tensors; undefined for models whose weights
 * are not finite and where there is no other. No pass over the weights.
 */
export function distancesFromOthers({ ids, notFinite, whole }: PoolGeometry): (number | undefined)[] {
  const usable = usableModels(notFinite);
  return ids.map((_, k) =>
    usable.length > 1 && usable.includes(k) ? distanceFromOthers(whole, usable, k) : undefined,
  );
}

/** ‖w_k − w_init‖ of each model by its id, where w_init is known. No pass over the weights. */
export function distancesFromStart({ ids, notFinite, whole }: PoolGeometry): [string, number][] {
  return usableModels(notFinite).flatMap((k): [string, number][] => {
    const distance = whole.distanceFromStart(single(whole, k));
    return distance === undefined ? [] : [[ids[k] as string, distance]];
  });
}

/**
 * Angles in degrees between the models' ways from w_init, where it is known; 0 from each to itself, null with a model that is w_init. No
 * pass over the weights.
 */
export function anglesFromStart({
  ids,
  notFinite,
  whole,
}: PoolGeometry): { models: string[]; degrees: (number | null)[][] } | undefined {
  const usable = usableModels(notFinite);
  if (whole.distanceFromStart(single(whole, usable[0] ?? 0)) === undefined) return undefined;
  const degrees = (i: number, j: number) => {
    const angle = i === j ? 0 : (whole.angle(i, j) * 180) / Math.PI;
    return Number.isNaN(angle) ? null : Number(angle.toFixed(2));
  };
  return { models: usable.map((k) => ids[k] as string), degrees: usable.map((i) => usable.map((j) => degrees(i, j))) };
}

function distanceFromOthers(whole: WeightGeometry, usable: readonly number[], k: number): number {
  return median(usable.filter((j) => j !== k).map((j) => whole.distance(k, j)));
}

function described(what: string, distances: readonly number[], z: readonly number[], at: number): string {
  const distance = distances[at] as number;
  return `its distance from ${what} is ${round(distance)}, ${round(distance / median(distances))} times the usual (robust z ${round(z[at] as number)})`;
}

/** The model that k is farthest from, and the group of layers that most of its squared distance from the mean is in. */
function farthest({ ids, whole, groups }: PoolGeometry, usable: readonly number[], k: number): string {
  const other = usable
    .filter((j) => j !== k)
    .reduce((far, j) => (whole.distance(k, j) > whole.distance(k, far) ? j : far));
  const squared = (geometry: WeightGeometry) => geometry.distanceFromMean(single(geometry, k)) ** 2;
  const largest = groups.reduce((most, group) => (squared(group.geometry) > squared(most.geometry) ? group : most));
  const share = Math.round((100 * squared(largest.geometry)) / squared(whole));
  return `it is farthest from ${ids[other]} (${round(whole.distance(k, other))}), and ${share} % of its squared distance from the mean is in ${largest.name}`;
}

/** (x − median) / spread of the logarithms. Distances of 0, of models that are equal, are no outliers. */
function robustZ(distances: readonly number[]): number[] {
  const logs = distances.map((distance) => Math.log(Math.max(distance, Number.MIN_VALUE)));
  const middle = median(logs);
  const spread = DEVIATIONS * median(logs.map((log) => Math.abs(log - middle)));
  return logs.map((log) => (log - middle) / Math.max(spread, LEAST_SPREAD));
}

function single({ size }: WeightGeometry, k: number): Float64Array {
  const weights = new Float64Array(size);
  weights[k] = 1;
  return weights;
}

function round(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
