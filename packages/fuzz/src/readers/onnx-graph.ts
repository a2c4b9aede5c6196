import { join } from 'node:path';
import {
  batchNorms,
  checkOperators,
  liftInitializers,
  matchGraphs,
  momentsGraph,
  type OnnxModel,
  readOnnx,
} from '../../../core/dist/formats/index.js';
import { describeOnnx } from '../../../core/dist/formats/onnx-reader.js';
import { mutant } from '../changes/bytes.js';
import { of, once } from '../changes/choice.js';
import { messageMutant, ONNX, parseMessage, writeMessage } from '../changes/protobuf.js';
import type { Reader } from '../reader.js';
import { normalisedGraph, tinyGraph } from '../seeds/pool.js';
import { fixture } from '../seeds/repository.js';
import { attempts } from './attempts.js';
import { INLINE } from './onnx.js';

const SEEDS = [
  ...INLINE.map(({ bytes }) => bytes),
  fixture('torch-initializers-as-inputs.onnx'),
  fixture('onnx-models/other-shape.onnx'),
  writeMessage(tinyGraph()),
  writeMessage(normalisedGraph()),
];

/** What is done with graphs before anything runs: comparing, checking, and writing them anew with weights as inputs, or with moments. */
export const ONNX_GRAPH_READER: Reader = {
  name: 'onnx-graph',
  mutate: (random) => {
    const seed = of(random, SEEDS);
    const changed = once(random, 5) ? mutant(seed, random) : messageMutant(random, parseMessage(seed, ONNX, 'Model'));
    return { 'x.onnx': changed, 'y.onnx': once(random, 4) ? of(random, SEEDS) : seed };
  },
  read: async (folder) => {
    const [graph, other] = [await readOnnx(join(folder, 'x.onnx')), await readOnnx(join(folder, 'y.onnx'))];
    await attempts(
      () => checkItself(graph),
      () => matchGraphs(graph, other),
      () => matchGraphs(other, graph),
      () => checkOperators(graph),
      () => checkLifted(graph),
      () => momentsGraph(graph, batchNorms(graph)),
    );
    return undefined;
  },
};

function checkItself(graph: OnnxModel): void {
  const match = matchGraphs(graph, graph);
  if (!('names' in match)) throw new Error(`a graph with ${match.expected} that has ${match.found}`);
  const renamed = [...match.names].find(([name, itself]) => name !== itself);
  if (renamed !== undefined) throw new Error(`${renamed[0]} that is ${renamed[1]} in its own graph`);
}

/** Initializers that became inputs are there once, as inputs. */
function checkLifted(graph: OnnxModel): void {
  const names = new Set(graph.initializers.flatMap(({ name, dtype }) => (/^B?F/.test(dtype ?? '') ? [name] : [])));
  const lifted = describeOnnx(liftInitializers(graph, names), graph.path);
  const left = lifted.initializers.find(({ name }) => names.has(name));
  if (left !== undefined) throw new Error(`${left.name} is an initializer still`);
}
