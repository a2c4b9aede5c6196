import { alignColumns, formatBytes, type ProblemInspection } from '@radin/core';
import { splitText } from './split-text.js';

/** What was found of a pool: a verdict per model, then the reasons, then what the data and a search are. */
export function inspectionText(inspection: ProblemInspection): string {
  const { models, problems, notices, splits, predicted } = inspection;
  const bad = models.filter((model) => model.problems.length > 0).length;
  const isMeasured = models.some(({ distanceFromInit }) => distanceFromInit !== undefined);
  return [
    ...alignColumns([
      ['model', 'tensors', 'bytes', 'sha256', ...(isMeasured ? ['from init'] : []), ''],
      ...models.map(({ id, tensors, bytes, sha256: digest, distanceFromInit, verdict }) => [
        id,
        String(tensors),
        String(bytes),
        digest.slice(0, 12),
        ...(isMeasured ? [distanceFromInit === undefined ? '' : String(Number(distanceFromInit.toPrecision(3)))] : []),
        verdict,
      ]),
    ]),
    ...models.flatMap(({ id, problems: found }) => found.map((problem) => `${id}: ${problem}`)),
    ...problems,
    ...notices.map((notice) => `note: ${notice}`),
    ...models.flatMap(({ warnings }) => warnings.map((warning) => `warning: ${warning}`)),
    '',
    ...anglesText(inspection),
    ...splits.map(
      ({ name, classes, ...split }) =>
        `${name}: ${splitText(split)}${classes === undefined ? '' : `, ${classes} classes`}`,
    ),
    ...(predicted === undefined
      ? []
      : [
          `a search takes at most ${formatBytes(predicted.peakMemory)} of memory (--max-memory takes less) and ${formatBytes(predicted.disk)} of disk`,
        ]),
    bad === 0 && problems.length === 0
      ? `${models.length} models, no problems`
      : `${bad} of ${models.length} models with problems`,
  ].join('\n');
}

/** The range of the angles: the matrix is in the JSON. */
function anglesText({ angles }: ProblemInspection): string[] {
  const degrees = angles?.degrees.flatMap((row, i) => row.flatMap((angle, j) => (j < i ? (angle ?? []) : []))) ?? [];
  if (degrees.length === 0) return [];
  const sorted = degrees.toSorted((a, b) => a - b);
  const at = (index: number) => `${Math.round(sorted[index] as number)}°`;
  return [
    `angles between the models' ways from the initialisation: ${at(0)} to ${at(sorted.length - 1)}, median ${at(sorted.length >> 1)}`,
  ];
}
