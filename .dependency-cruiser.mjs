// The import layers of docs/architecture.md: packages point one way, and inside core and cli a folder imports only folders above it.

/** Folders of packages/core/src, from the ones that know nothing to the ones that know all. */
const CORE_LAYERS = [
  'errors',
  'statistics',
  'formats',
  'cache',
  'metric',
  'data',
  'pool',
  'mixture',
  'huggingface',
  'logits',
  'evaluator',
  'batch-norm',
  'sampler',
  'journal',
  'stage1',
  'stage2',
  'problem',
  'provenance',
  'recipes',
  'explanation',
  'report',
];

/** The same of packages/cli/src. */
const CLI_LAYERS = ['terminal', 'pool', 'options', 'output', 'run', 'commands'];

const layerRules = (name, layers) => {
  const within = (folders) => `^packages/${name}/src/(${folders.join('|')})/`;
  return layers.slice(0, -1).map((folder, index) => ({
    name: `${name}-${folder}-imports-only-layers-above`,
    severity: 'error',
    from: { path: within([folder]) },
    to: { path: within(layers.slice(index + 1)) },
  }));
};

/** A package may import these of ours. */
const PACKAGES = {
  native: [],
  core: ['native'],
  report: ['core'],
  bench: ['native', 'core', 'report'],
  cli: ['native', 'core', 'report', 'bench'],
  fuzz: ['native', 'core', 'report', 'cli'],
};

const packageRules = Object.entries(PACKAGES).map(([name, allowed]) => ({
  name: `${name}-imports-only-${allowed.join('-') || 'itself'}`,
  severity: 'error',
  from: { path: `^packages/${name}/` },
  to: {
    path: `^packages/(${Object.keys(PACKAGES)
      .filter((other) => other !== name && !allowed.includes(other))
      .join('|')})/`,
  },
}));

export default {
  forbidden: [
    ...layerRules('core', CORE_LAYERS),
    ...layerRules('cli', CLI_LAYERS),
    ...packageRules,
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'core-folders-through-their-index',
      severity: 'error',
      from: { path: '^packages/core/src/([^/]+)/' },
      to: { path: '^packages/core/src/[^/]+/', pathNot: ['^packages/core/src/$1/', '/(index|light)\\.ts$'] },
    },
    {
      name: 'commands-are-loaded-by-those-that-run',
      severity: 'error',
      from: { path: '^packages/cli/src/[^/]+\\.ts$' },
      to: { path: '^packages/cli/src/commands/', dependencyTypesNot: ['dynamic-import'] },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^#' } },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/', '/generated/'] },
    exclude: { path: ['/dist/', '/build/', '/test/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
