/** A cached logit is NaN or infinite, which nothing can be computed from. */
export class NonFiniteLogitError extends RangeError {
  override readonly name = 'NonFiniteLogitError';

  constructor(
    /** Index in [0, N). */
    readonly model: number,
    /** Index in [0, M). */
    readonly sample: number,
    /** Index in [0, C). */
    readonly classIndex: number,
    readonly value: number,
  ) {
    super(
      `Expected a finite number for logits[${model}] at sample ${sample}, class ${classIndex} but received ${value}`,
    );
  }

  /** The error for what src/napi/job.cc hands over of one; undefined for any other error. */
  static from(error: unknown): NonFiniteLogitError | undefined {
    if (typeof error !== 'object' || error === null || !('sample' in error)) return undefined;
    const { model, sample, class: classIndex, value } = error as Record<'model' | 'sample' | 'class' | 'value', number>;
    return new NonFiniteLogitError(model, sample, classIndex, value);
  }
}
