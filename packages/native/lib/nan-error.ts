/** An ingredient of an average holds a NaN although the request refuses it. */
export class NaNError extends RangeError {
  override readonly name = 'NaNError';

  constructor(
    /** Index among the request's tensors. */
    readonly tensor: number,
    /** Index among the tensor's ingredients. */
    readonly ingredient: number,
    readonly element: number,
  ) {
    super(`Expected numbers for tensors[${tensor}].ingredients[${ingredient}] but received NaN at element ${element}`);
  }
}
