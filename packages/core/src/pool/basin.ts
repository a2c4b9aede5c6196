import type { Problem } from './compatibility.js';
import { type PoolGeometry, usableModels } from './pool-geometry.js';
import { median, type WeightGeometry } from './weight-geometry.js';

/** Robust z score from which a model is worth a warning. */
const SUSPICIOUS_Z = 3;

/** The standard deviation of a normal distribution in units of its median absolute deviation. */
const DEVIATIONS = 1.4826;

/**
 * The logarithm of distances is taken to vary by at least a twentieth: in a homogeneous pool they agree to a percent, and a model
 * that is three percent further is no outlier.
 */
const LEAST_SPREAD = 0.05;

/** With fewer models there is no telling which is the odd one. */
const LEAST_MODELS = 4;

/**
 * Models that may lie outside the basin of the others, with the evidence: the robust z score (median, median absolute
 * deviation) of the logarithm of their distance from the others is above 3, or from the initialisation where it is known. A good warning
 * and a bad filter: soups with a diverged model are ruined though ensembles with it look fine, but in a healthy pool the
 * best models can be the farthest. And models whose weights are not numbers. No pass over the weights.
 */
export function basinWarnings(geometry: PoolGeometry): Problem[] {
  const { ids, notFinite, whole } = geometry;
  const usable = usableModels(notFinite);
  const ruined = ids.flatMap((id, k) => {
    if (usable.includes(k)) return [];
    const count = (notFinite[k] as number) - (notFinite[usable[0] as number] as number);
    return [
      {
        model: id,
        message: `model ${id} has ${count} NaN or infinite weights where other models have numbers`,
      },
    ];
  });
  if (usable.length < LEAST_MODELS) return ruined;
  const fromOthers = usable.map((k) => distanceFromOthers(whole, usable, k));
  const fromStart = usable.map((k) => whole.distanceFromStart(single(whole, k)));
  if (median(fromOthers) === 0) return ruined;
  const zOthers = robustZ(fromOthers);
  const zStart = fromStart.every((distance) => distance !== undefined) ? robustZ(fromStart) : undefined;
  const far = usable.flatMap((k, at) => {
    const evidence: string[] = [];
    if ((zOthers[at] as number) > SUSPICIOUS_Z) {
      evidence.push(described('the other models (median)', fromOthers, zOthers, at));
    }
    if (zStart !== undefined && (zStart[at] as number) > SUSPICIOUS_Z) {
      evidence.push(described('the initialisation', fromStart as number[], zStart, at));
    }
    if (evidence.length === 0) return [];
    const id = ids[k] as string;
    const message = `model ${id} may be outside the basin of the others: ${evidence.join(' and ')}; ${farthest(geometry, usable, k)}; soups with it may be ruined although its logits look harmless`;
    return [{ model: id, message }];
  });
  return [...ruined, ...far];
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
