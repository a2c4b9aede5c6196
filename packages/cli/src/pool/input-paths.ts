import { arrayPlace, arraySources, type PoolFiles } from '@radin/core';

/** Paths of all files that the pool names. */
export function inputPaths({
  validation,
  test,
  batchNormInputs,
  logits,
  graph,
  base,
  init,
  models,
}: PoolFiles): readonly string[] {
  const inputs = [validation.inputs, test?.inputs, batchNormInputs].flatMap((one) =>
    one === undefined ? [] : arraySources(one),
  );
  const others = [validation.labels, validation.groups, test?.labels, test?.groups].flat();
  const arrays = [...inputs, ...others].flatMap((source) => (source === undefined ? [] : arrayPlace(source).path));
  const paths = [graph, base, init].filter((path) => path !== undefined);
  return [...arrays, ...(logits?.validation ?? []), ...(logits?.test ?? []), ...models, ...paths];
}
