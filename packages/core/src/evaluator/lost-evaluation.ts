import { RadinError } from '../errors/index.js';

/**
 * An evaluation that failed every time it was tried: with these weights the graph crashes its process, or takes longer or more memory
 * than it may, or the user's program fails. Others can go on.
 */
export class LostEvaluation extends RadinError {
  constructor(message: string) {
    super('EVALUATION', message);
  }
}
