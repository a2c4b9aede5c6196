import { checkLabels } from '../data/index.js';
import type { EvaluateOptions, LoadedModel } from '../evaluator/index.js';
import { type Logits, scoredLogits } from '../logits/index.js';
import { type Truth, truthOf } from '../metric/index.js';
import { type Mixture, type OpenSoup, Soup } from '../mixture/index.js';
import type { Checkpoint } from '../pool/index.js';
import type { ApproxScorerOptions, PoolPredictionsParts } from '../stage1/index.js';
import { type Evaluated, scoreLogits } from './evaluated.js';

export interface SplitEvaluationParts
  extends Pick<PoolPredictionsParts, 'pool' | 'split' | 'evaluator' | 'metric' | 'backend' | 'threads'> {
  /** What is evaluated as the mixture's soup; default: the average as it is. */
  readonly openSoup?: OpenSoup;
}

export interface EvaluationOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (fraction: number) => void;
}

/** Without `logits` where the evaluator gave a score in their place. */
export type ModelEvaluation = Evaluated & { readonly logits?: Logits; readonly reused: boolean };

/** What single checkpoints, models or soups, get on one split. It keeps nothing of what it has found. */
export class SplitEvaluation {
  readonly #parts: SplitEvaluationParts;

  constructor(parts: SplitEvaluationParts) {
    this.#parts = parts;
  }

  /** What any checkpoint of the pool's layout gives for the split, and its score: one full evaluation, unless the logits are remembered (`reused`). */
  async evaluate(model: Checkpoint, { signal, onProgress }: EvaluationOptions): Promise<ModelEvaluation> {
    const { split, evaluator } = this.#parts;
    let reused = false;
    const run: EvaluateOptions = {
      ...(signal && { signal }),
      onProgress: (samples) => onProgress?.(samples / split.samples),
      onRemembered: () => {
        reused = true;
      },
    };
    const logits = await (evaluator.logitsOrScore?.(model, split.inputs, run) ??
      evaluator.logits(model, split.inputs, run));
    if (typeof logits === 'number') return { score: logits, reused };
    const scored = this.#scored(logits);
    return {
      logits,
      reused,
      ...(await scoreLogits(model.id, scored, this.#truth, { ...this.#stage1, ...(signal && { signal }) })),
    };
  }

  /** Shape of a model's outputs: [M, C], of tokens [M, T, C]. */
  outputShape({ samples, classes }: Logits): number[] {
    const { tokens } = this.#parts.split.labels;
    return tokens === undefined ? [samples, classes] : [samples, tokens.positions, classes / tokens.positions];
  }

  soup(mixture: Mixture, signal: AbortSignal): Promise<Checkpoint> {
    const { pool, backend, openSoup = async () => new Soup(pool, mixture, backend) } = this.#parts;
    return openSoup(mixture, { signal });
  }

  /** The soup with its weights in memory, for an evaluation in parts. */
  async openSoup(mixture: Mixture, signal: AbortSignal): Promise<LoadedModel> {
    const { evaluator, split } = this.#parts;
    return evaluator.open(await this.soup(mixture, signal), split.inputs, { signal });
  }

  /** Score of a soup's logits for these samples of the split, in their order. */
  score(outputs: Logits, samples: Uint32Array, signal: AbortSignal): Promise<Evaluated> {
    const logits = this.#scored(outputs);
    const truth = truthOf(this.#truth, samples, logits.classes);
    return scoreLogits('the soup', logits, truth, { ...this.#stage1, signal });
  }

  /** The rows that are scored. @throws RadinError where the labels are of other classes */
  #scored(outputs: Logits): Logits {
    const { labels } = this.#parts.split;
    const scored = scoredLogits(outputs, labels);
    checkLabels(labels, scored.classes);
    return scored;
  }

  get #truth(): Truth {
    const { values, targets, groups } = this.#parts.split.labels;
    return { labels: values, ...(targets && { targets }), ...(groups && { groups }) };
  }

  get #stage1(): ApproxScorerOptions {
    const { metric, backend, threads } = this.#parts;
    return { metric, backend, ...(threads && { threads }) };
  }
}
