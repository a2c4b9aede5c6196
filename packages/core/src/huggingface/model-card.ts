import { quote } from '../errors/index.js';
import { readCompanion } from './model-folder.js';

/** A score of the soup that was measured, ready to be read. */
export interface CardScore {
  readonly split: string;
  readonly metric: string;
  readonly score: string;
  readonly samples: number;
}

/** What a card says of how the soup was found. */
export interface CardFacts {
  /** How the mixture was chosen, such as `radin search, strategy adaptive`. */
  readonly method: string;
  /** RADIN's version. */
  readonly version: string;
  /** None where nothing was measured. */
  readonly scores: readonly CardScore[];
}

export interface CardContent extends CardFacts {
  readonly title: string;
  /** One sentence of what the folder holds. */
  readonly what: string;
  readonly tags: readonly string[];
  /** What the ingredients were made from, or they themselves, by name. */
  readonly baseModels: readonly string[];
  /** Entries of the front matter that all ingredients share. */
  readonly shared: ReadonlyMap<string, string>;
  readonly ingredients: readonly { readonly name: string; readonly weight: number }[];
}

/** Keys of a card's front matter that are kept where all ingredients have them with one value. */
const SHARED = ['license', 'license_name', 'license_link', 'pipeline_tag', 'library_name'];

/** The text of a model card, `README.md`: YAML front matter that the Hub reads, then what is known of the soup and nothing else. */
export function modelCard(card: CardContent): string {
  const { title, what, tags, baseModels, shared, ingredients, method, version, scores } = card;
  const list = (values: readonly string[]) => values.map((value) => `- ${yamlText(value)}`);
  const cell = (text: string) => text.replace(/[|\r\n]/g, ' ');
  return [
    '---',
    'base_model:',
    ...list([...new Set(baseModels)]),
    ...[...shared].map(([key, value]) => `${key}: ${yamlText(value)}`),
    'tags:',
    ...list(tags),
    '---',
    '',
    `# ${title}`,
    '',
    `${what} Made with RADIN ${version} (${method}); \`radin verify\` makes it again from its ingredients and compares every bit.`,
    '',
    '| ingredient | weight |',
    '|---|---|',
    ...ingredients.map(({ name, weight }) => `| ${cell(name)} | ${weight} |`),
    ...scoreLines(scores),
    '',
  ].join('\n');
}

/** A text in quotes. What JSON may leave as it is and YAML must not have, or breaks lines at, is escaped too. */
function yamlText(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function scoreLines(scores: readonly CardScore[]): string[] {
  if (scores.length === 0) return [];
  return [
    '',
    '| split | samples | metric | score |',
    '|---|---|---|---|',
    ...scores.map(({ split, samples, metric, score }) => `| ${split} | ${samples} | ${metric} | ${score} |`),
    '',
    'The mixture was chosen by the validation split; a test split only reports.',
  ];
}

/**
 * What the cards of all folders say alike: licence, task and library; without cards, the library where all configurations name one.
 * Only plain values on a line of their own are read.
 */
export async function sharedFrontMatter(
  folders: readonly string[],
  configs: readonly Readonly<Record<string, unknown>>[],
): Promise<ReadonlyMap<string, string>> {
  const cards: ReadonlyMap<string, string>[] = [];
  for (const folder of new Set(folders)) {
    const text = await readCompanion(folder, 'README.md');
    cards.push(frontMatter(text === undefined ? '' : new TextDecoder().decode(text)));
  }
  const [first, ...others] = cards;
  const shared = SHARED.flatMap((key) => {
    const value = first?.get(key);
    return value !== undefined && others.every((card) => card.get(key) === value) ? [[key, value] as const] : [];
  });
  const found = new Map(shared);
  const isTransformers = configs.every(({ transformers_version: version }) => version !== undefined);
  if (configs.length > 0 && isTransformers && cards.every((card) => !card.has('library_name'))) {
    found.set('library_name', 'transformers');
  }
  return found;
}

function frontMatter(text: string): ReadonlyMap<string, string> {
  const [, yaml = ''] = /^---\r?\n([\s\S]*?)\r?\n---\r?(?:\n|$)/.exec(text) ?? [];
  const found = new Map<string, string>();
  for (const line of yaml.split(/\r?\n/)) {
    const [, key = '', quoted, plain] = /^(\w+):[ ]+(?:["']([^"']+)["']|([\w./:+-]+))[ ]*$/.exec(line) ?? [];
    const value = quoted ?? plain;
    if (value !== undefined) found.set(key, value);
  }
  return found;
}

/** The notice for companions that ingredients do not share. */
export function differingNotice(names: readonly string[], first: string): string {
  return `the ingredients' ${names.map(quote).join(', ')} differ: the soup has those of ${first}`;
}
