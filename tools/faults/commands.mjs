/** The commands that faults are put into, as a user types them in a folder with `pool/`. */

const QUICK = ['--threads', '1', '--seed', '3'];
const REPORTED = [...QUICK, '--budget', '3', '--candidates', '20', '--json'];
const SEARCH = [...REPORTED, '--no-report'];
const OUT = ['--out', 'out'];
const CACHE = ['--cache', 'cache'];

/** What the program that evaluates writes down, a score a line. */
export const LOG = 'pool/pool-external/evaluations.log';

/**
 * `args`; `opensTest`: results are written before the test split is opened, and again after; `earlier`, the command that has filled `out/` and the cache before, where an earlier run is to be there (`needsEarlier`: always); `copies`, what is
 * copied to where before each run; `isAnswer`: what cannot be read is the command's answer, with exit code 0.
 */
export const COMMANDS = {
  average: {
    args: ['average', ...models('m0', 'm1', 'm2'), '--out', 'out/soup.safetensors', '--json'],
    earlier: ['average', ...models('m0', 'm1'), '--out', 'out/soup.safetensors'],
  },
  'average-onto-input': {
    args: ['average', 'out/m0.safetensors', ...models('m1'), '--out', 'out/m0.safetensors', '--json'],
    copies: [['pool/models/m0.safetensors', 'out/m0.safetensors']],
  },
  'average-shards': {
    args: ['average', ...models('m0', 'm1'), '--max-shard-size', '64B', '--out', 'out/soup.safetensors', '--json'],
    earlier: ['average', ...models('m1', 'm2'), '--max-shard-size', '64B', '--out', 'out/soup.safetensors'],
  },
  'average-onnx': {
    args: ['average', 'pool/onnx/m0.onnx', 'pool/onnx/m1.onnx', '--out', 'out/soup.onnx', '--json'],
    earlier: ['average', 'pool/onnx/m1.onnx', 'pool/onnx/m2.onnx', '--out', 'out/soup.onnx'],
  },
  'average-folders': {
    args: ['average', 'pool/folders/m0', 'pool/folders/m1', '--out', 'out/soup', '--json'],
    earlier: ['average', 'pool/folders/m1', 'pool/folders/m2', '--out', 'out/soup'],
  },
  inspect: { args: ['inspect', 'pool', '--json'], isAnswer: true },
  score: { args: ['score', '--logits', 'pool/logits/*.npy', '--labels', 'pool/val_labels.npy', '--json'] },
  evaluate: {
    args: ['evaluate', 'pool', 'm1', '--no-cache', '--save-logits', 'out/m1.npy', '--json'],
    earlier: ['evaluate', 'pool', 'm2', '--no-cache', '--save-logits', 'out/m1.npy'],
  },
  search: {
    opensTest: true,
    args: ['search', 'pool', '--no-cache', ...SEARCH, ...OUT],
    earlier: ['search', 'pool', '--no-cache', '--strategy', 'radin', '--budget', '1', '--no-report', ...OUT],
  },
  'search-cached': {
    opensTest: true,
    args: ['search', 'pool', ...CACHE, ...SEARCH, ...OUT],
    earlier: ['search', 'pool', ...CACHE, ...SEARCH, '--budget', '1', ...OUT],
  },
  'search-race': {
    opensTest: true,
    args: ['search', 'pool', '--strategy', 'radin', ...CACHE, ...SEARCH, '--threads', '2', ...OUT],
  },
  'search-onnx': { opensTest: true, args: ['search', 'pool/pool-onnx', '--no-cache', ...SEARCH, ...OUT] },
  'search-folders': {
    opensTest: true,
    args: ['search', 'pool/pool-folders', '--no-cache', ...SEARCH, ...OUT],
    earlier: [
      'search',
      'pool/pool-folders',
      '--no-cache',
      '--strategy',
      'radin',
      '--budget',
      '1',
      '--no-report',
      ...OUT,
    ],
  },
  'search-external-cached': { args: ['search', 'pool/pool-external', ...CACHE, ...SEARCH, ...OUT] },
  'search-external': { args: ['search', 'pool/pool-external', '--no-cache', ...SEARCH, ...OUT] },
  compare: {
    opensTest: true,
    args: [
      'compare',
      'pool',
      ...CACHE,
      ...QUICK,
      '--budgets',
      '1,3',
      '--candidates',
      '20',
      '--no-report',
      '--json',
      ...OUT,
    ],
  },
  report: {
    needsEarlier: true,
    args: ['report', 'out', '--format', 'csv'],
    earlier: ['search', 'pool', ...CACHE, ...SEARCH, ...OUT],
  },
  'search-report': {
    opensTest: true,
    args: ['search', 'pool', ...CACHE, ...REPORTED, ...OUT],
    earlier: ['search', 'pool', ...CACHE, ...REPORTED, '--budget', '1', ...OUT],
  },
  verify: {
    needsEarlier: true,
    args: ['verify', 'out', '--json'],
    earlier: ['search', 'pool', ...CACHE, ...SEARCH, ...OUT],
  },
  'verify-scores': {
    needsEarlier: true,
    args: ['verify', 'out', '--scores', '--json'],
    earlier: ['search', 'pool', ...CACHE, ...SEARCH, ...OUT],
  },
  'cache-verify': {
    needsEarlier: true,
    args: ['cache', 'verify', ...CACHE, '--json'],
    earlier: ['search', 'pool', ...CACHE, ...SEARCH, ...OUT],
  },
};

function models(...ids) {
  return ids.map((id) => `pool/models/${id}.safetensors`);
}
