import { RadinError } from '../errors/index.js';

/**
 * An evaluation that the process which ran it did not survive, nor the next one in which it was alone: with these weights the graph
 * crashes, or takes longer or more memory than it may. Others can go on.
 */
export class LostEvaluation extends RadinError {
  constructor(message: string) {
    super('EVALUATION', message);
  }
}
