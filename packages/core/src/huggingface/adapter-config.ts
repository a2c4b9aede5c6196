import { quote } from '../errors/index.js';
import type { LoraAdapter } from '../formats/index.js';

/** Keys that choose modules, which the new adapter names itself where the ingredients do not agree. */
const CHOOSING = ['target_modules', 'layers_to_transform', 'layers_pattern', 'exclude_modules'];

/**
 * The `adapter_config.json` of adapters that were put side by side: the first one's, with the new ranks, and alphas that make every scale 1.
 * @returns also what the user should know of differences
 */
export function concatenatedConfig(adapters: readonly LoraAdapter[]): {
  json: Record<string, unknown>;
  notices: string[];
} {
  const configs = adapters.map(({ config }) => config.json);
  const [first, ...others] = configs as [(typeof configs)[number], ...(typeof configs)[number][]];
  const ranks = new Map<string, number>();
  for (const { products } of adapters) {
    for (const { module, rank } of products.values()) ranks.set(module, (ranks.get(module) ?? 0) + rank);
  }
  const usual = mostCommon([...ranks.values()]);
  const unusual = Object.fromEntries([...ranks].filter(([, rank]) => rank !== usual).sort());
  const agree = CHOOSING.every((key) => others.every((config) => chosen(config[key]) === chosen(first[key])));
  const saved = new Set(
    configs.flatMap(({ modules_to_save: names }) => (Array.isArray(names) ? names.map(String) : [])),
  );
  const bases = new Set(configs.map(({ base_model_name_or_path: name }) => name));
  return {
    json: {
      ...first,
      ...(!agree && {
        target_modules: [...ranks.keys()].sort(),
        layers_to_transform: null,
        layers_pattern: null,
        exclude_modules: null,
      }),
      modules_to_save: saved.size > 0 ? [...saved].sort() : null,
      r: usual,
      lora_alpha: usual,
      rank_pattern: unusual,
      alpha_pattern: unusual,
      use_rslora: false,
      init_lora_weights: true,
      inference_mode: true,
    },
    notices:
      bases.size > 1
        ? [
            `the adapters name different base models (${[...bases].map((name) => quote(String(name))).join(', ')}): the soup names the first`,
          ]
        : [],
  };
}

/** Lists that name the same modules are equal in any order: PEFT keeps them as sets. */
function chosen(value: unknown): string {
  return JSON.stringify(Array.isArray(value) ? [...value].sort() : (value ?? null));
}

function mostCommon(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].reduce((most, entry) => (entry[1] > most[1] ? entry : most), [1, 0] as [number, number])[0];
}
