import { describe, expect, it } from 'vitest';
import { modelDisagreement } from '../../src/explanation/index.js';
import { poolLogits, storedInMemory } from '../../src/logits/index.js';

/** A model whose logits are highest at the class given for each sample. */
function predicting(classes: readonly number[], count = 3) {
  const values = Float32Array.from(
    classes.flatMap((c) => Array.from({ length: count }, (_, at) => (at === c ? 1 : 0))),
  );
  return storedInMemory({ values, samples: classes.length, classes: count });
}

describe('disagreement of single models', () => {
  it('counts the samples on which two predict different classes, right or wrong', async () => {
    const logits = [predicting([0, 1, 2, 0]), predicting([0, 1, 1, 1]), predicting([0, 1, 2, 0])];
    const cache = poolLogits(['a', 'b', 'c'], logits, Int32Array.from([0, 0, 0, 0]));
    expect(await modelDisagreement(cache)).toEqual({ samples: 4, counts: [[], [2], [0, 2]] });
  });

  it('takes the lowest class of equal logits', async () => {
    const tied = storedInMemory({ values: Float32Array.of(1, 1, 0, 0, 2, 2), samples: 2, classes: 3 });
    const cache = poolLogits(['a', 'b'], [tied, predicting([0, 1])], Int32Array.of(0, 1));
    expect((await modelDisagreement(cache)).counts).toEqual([[], [0]]);
  });

  it('stops when it is asked to', async () => {
    const cache = poolLogits(['a'], [predicting([0])], Int32Array.of(0));
    await expect(modelDisagreement(cache, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});
