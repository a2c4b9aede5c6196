import { transformerTensors } from '../data/weights.js';
import type { Experiment } from '../experiment.js';
import { type AveragingSize, averageFromFiles, averageInMemory, manyAverages } from './averaging.js';
import { backendsOf } from './backends.js';
import { allSubsetsOf, bankOf } from './banks.js';
import { accuracyOf, crossEntropyOf, type ScoringSize } from './scoring.js';

interface Sizes {
  readonly average: AveragingSize;
  readonly manyAverages: AveragingSize;
  readonly score: ScoringSize;
  /** N = 72, the largest pool of the paper. */
  readonly largePool: ScoringSize;
}

const CANDIDATES = 200;

/** `paper`: 13 models of ViT-B/32's size and logits of half of ImageNet's validation set. `small`: what fits anywhere. */
export const SIZES: Readonly<Record<'small' | 'paper', Sizes>> = {
  small: {
    average: { models: 13, tensors: transformerTensors(4, 256) },
    manyAverages: { models: 13, tensors: transformerTensors(2, 192) },
    score: { models: 13, samples: 1_600, classes: 1_000, candidates: CANDIDATES },
    largePool: { models: 72, samples: 2_560, classes: 100, candidates: CANDIDATES },
  },
  paper: {
    average: { models: 13, tensors: transformerTensors(12, 768) },
    manyAverages: { models: 13, tensors: transformerTensors(12, 384) },
    score: { models: 13, samples: 25_600, classes: 1_000, candidates: CANDIDATES },
    largePool: { models: 72, samples: 25_600, classes: 100, candidates: CANDIDATES },
  },
};

export type SizeName = keyof typeof SIZES;

/** All experiments at one size, in the order of the tables. */
export function experimentsOf(size: SizeName): Experiment[] {
  const { average, manyAverages: many, score, largePool } = SIZES[size];
  return [
    averageInMemory(average, 'F32'),
    averageInMemory(average, 'F16'),
    averageInMemory(average, 'BF16'),
    averageFromFiles(average),
    manyAverages(many, 25),
    bankOf(score),
    accuracyOf('accuracy', score),
    accuracyOf('accuracy-ruined', { ...score, ruined: 2 }),
    accuracyOf('accuracy-10-classes', { ...score, classes: 10 }),
    accuracyOf('accuracy-72-models', largePool),
    ...[13, 20, 24].map((models) => allSubsetsOf({ ...score, models })),
    crossEntropyOf('cross-entropy', score),
    ...backendsOf({ score, average, manyAverages: many }),
  ];
}
