import type { LossAt, SimplexLoss } from './ensemble-scores.js';
import { minimiseQuadratic } from './simplex-quadratic.js';

/** A point of the simplex with the certificate of how near it is to the minimum. */
export interface SimplexMinimum {
  /** p ≥ 0, Σ p = 1. */
  readonly point: Float64Array;
  readonly loss: number;
  /** max_k ⟨∇, p − e_k⟩, the Frank-Wolfe gap: by convexity no point of the simplex has a loss below `loss` − `gap`. */
  readonly gap: number;
}

/** Weights below this are left out: they would make ingredients that move the loss by less than the certificate tells apart. */
const LEAST_WEIGHT = 1e-6;

/** How far along e_k − p the gradient is taken for differences: its float32 errors of about 1e-7 leave 5 digits. */
const DIFFERENCE = 1 / 64;

/** Nats per sample that differences of losses are taken to be rounding: about a hundred times what float32 adds. */
const LOSS_ROUNDING = 1e-6;

/** Models without weight that may come in at one step. */
const MOST_ENTERING = 12;

/** Fractions of the step that are tried, in one call. */
const STEPS = [1, 0.6, 0.3, 0.1, 0.03, 0.003];

/** Newton converges in less than ten steps; more of them mean that the loss's rounding is all that is left. */
const MOST_STEPS = 30;

/**
 * Minimises a convex loss on the simplex by Newton's method: the Hessian on the face of the models that have weight or would
 * gain most from it comes from differences of gradients, the quadratic model is minimised on that face, and the best of six
 * step lengths is taken. Cost: two calls a step, of as many points as the face has corners and of six.
 * @param rough a loss that is cheaper and about as curved, for the Hessian as long as it leads on; it has no say in the result
 * @param gap where to stop; where rounding is coarser than that the result's gap is larger
 */
export async function minimiseOnSimplex(
  loss: SimplexLoss,
  start: Float64Array,
  gap: number,
  { signal, rough = loss }: { readonly signal?: AbortSignal; readonly rough?: SimplexLoss } = {},
): Promise<SimplexMinimum> {
  let curved = rough;
  let [best] = (await evaluate(loss, [start], signal)) as [Evaluated];
  for (let step = 0; step < MOST_STEPS && best.gap > gap; step++) {
    const face = faceAt(best);
    const target = await newtonTarget(curved, best, face, signal);
    const trials = STEPS.map((length) => between(best.point, target, length));
    const tried = await evaluate(loss, trials, signal);
    const lowest = tried.reduce((least, one) => (one.loss < least.loss ? one : least));
    const narrowest = tried.reduce((least, one) => (one.gap < least.gap ? one : least));
    // Near the minimum losses differ by their rounding only; derivatives still tell apart what is nearer.
    if (lowest.loss < best.loss - LOSS_ROUNDING) best = lowest;
    else if (narrowest.gap < best.gap) best = narrowest;
    else if (curved !== loss) curved = loss;
    else break;
  }
  return { point: best.point, loss: best.loss, gap: best.gap };
}

interface Evaluated extends LossAt {
  readonly point: Float64Array;
  readonly gap: number;
}

async function evaluate(
  loss: SimplexLoss,
  points: readonly Float64Array[],
  signal?: AbortSignal,
): Promise<Evaluated[]> {
  signal?.throwIfAborted();
  const values = await loss.at(points, signal);
  return values.map((value, index) => {
    const point = points[index] as Float64Array;
    return { ...value, point, gap: Math.max(0, dot(value.gradient, point) - Math.min(...value.gradient)) };
  });
}

/** The models with weight, and those whose derivative is lowest among the others that would lower the loss. */
function faceAt({ point, gradient }: Evaluated): number[] {
  const level = dot(gradient, point);
  const models = [...point.keys()];
  const entering = models
    .filter((k) => point[k] === 0 && (gradient[k] as number) < level)
    .sort((a, b) => (gradient[a] as number) - (gradient[b] as number) || a - b)
    .slice(0, MOST_ENTERING);
  return [...models.filter((k) => (point[k] as number) > 0), ...entering];
}

/** The minimum on the face of g·(q − p) + ½ (q − p)ᵀ A (q − p) with A_ij = v_iᵀ H v_j, v_i = e_i − p. */
async function newtonTarget(
  loss: SimplexLoss,
  { point, gradient }: Evaluated,
  face: readonly number[],
  signal: AbortSignal | undefined,
): Promise<Float64Array> {
  const moved = face.map((k) => between(point, corner(point.length, k), DIFFERENCE));
  const [here, ...at] = (await evaluate(loss, [point, ...moved], signal)) as [Evaluated];
  const curvature = (at as Evaluated[]).map((one) => {
    const change = one.gradient.map((value, k) => (value - (here.gradient[k] as number)) / DIFFERENCE);
    const level = dot(change, point);
    return face.map((k) => (change[k] as number) - level);
  });
  const symmetric = curvature.map((row, i) => row.map((value, j) => (value + (curvature[j]?.[i] as number)) / 2));
  const weights = minimiseQuadratic(
    symmetric,
    face.map((k) => gradient[k] as number),
    face.map((k) => point[k] as number),
  );
  const target = new Float64Array(point.length);
  for (const [i, k] of face.entries()) target[k] = weights[i] as number;
  return target;
}

/** The point at a fraction of the way, without negligible weights. */
function between(from: Float64Array, to: Float64Array, fraction: number): Float64Array {
  const point = from.map((weight, k) => weight + fraction * ((to[k] as number) - weight));
  const kept = point.map((weight) => (weight < LEAST_WEIGHT ? 0 : weight));
  const sum = kept.reduce((total, weight) => total + weight, 0);
  return kept.map((weight) => weight / sum);
}

function corner(models: number, k: number): Float64Array {
  const point = new Float64Array(models);
  point[k] = 1;
  return point;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k] as number) * (b[k] as number);
  return sum;
}
