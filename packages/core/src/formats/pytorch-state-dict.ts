import { quote } from '../errors/index.js';
import { failFormat } from './format-error.js';
import { describeValue, PickleDict, type PickleValue } from './pickle-values.js';
import { TorchTensor } from './pytorch-vocabulary.js';

/** Where training scripts keep the weights among other things. */
const USUAL_KEYS: readonly string[] = ['state_dict', 'model', 'model_state_dict'];

/** Moving averages of the weights are other models: only taken when they are asked for. */
const MOVING_AVERAGE = /(^|[^a-z])ema([^a-z]|$)/i;

/** What DataParallel puts before every name. */
const DATA_PARALLEL = 'module.';

const SHOWN_KEYS = 10;

/**
 * The named tensors of a checkpoint: what the file holds itself, or what is under `key`, or, without one, the only state dict under a
 * usual key, else the only one under any. `module.` of DataParallel is taken off where all names have it.
 * @throws RadinError `FORMAT` where there is none, or several and nothing says which
 */
export function chooseStateDict(
  root: PickleValue,
  key: string | undefined,
  path: string,
): ReadonlyMap<string, TorchTensor> {
  if (!(root instanceof PickleDict)) failFormat('a state dict', describeValue(root), path);
  const whole = key === undefined ? stateDictOf(root) : undefined;
  return withoutPrefix(whole ?? chosenEntry(root, key, path));
}

function chosenEntry(root: PickleDict, key: string | undefined, path: string): ReadonlyMap<string, TorchTensor> {
  const choices = new Map<string, ReadonlyMap<string, TorchTensor>>();
  for (const [name, value] of root.entries) {
    const stateDict = value instanceof PickleDict ? stateDictOf(value) : undefined;
    if (typeof name === 'string' && stateDict !== undefined) choices.set(name, stateDict);
  }
  if (key !== undefined) {
    const wanted = choices.get(key);
    return wanted ?? failFormat(`a state dict under ${quote(key)}`, contents(root, choices), path);
  }
  const automatic = [...choices.keys()].filter((name) => !MOVING_AVERAGE.test(name));
  const usual = automatic.filter((name) => USUAL_KEYS.includes(name));
  const [only, ...others] = usual.length > 0 ? usual : automatic;
  if (only !== undefined && others.length === 0) return choices.get(only) as ReadonlyMap<string, TorchTensor>;
  const advice = choices.size > 0 ? ' (say which: state_dict: KEY in radin.yaml, or --state-dict KEY)' : '';
  return failFormat('one state dict', contents(root, choices), `${path}${advice}`);
}

/** The tensors of a dict in which there is nothing else. */
function stateDictOf({ entries }: PickleDict): ReadonlyMap<string, TorchTensor> | undefined {
  if (entries.size === 0) return undefined;
  for (const [name, value] of entries) {
    if (typeof name !== 'string' || !(value instanceof TorchTensor)) return undefined;
  }
  return entries as ReadonlyMap<PickleValue, PickleValue> as ReadonlyMap<string, TorchTensor>;
}

function withoutPrefix(tensors: ReadonlyMap<string, TorchTensor>): ReadonlyMap<string, TorchTensor> {
  if (![...tensors.keys()].every((name) => name.startsWith(DATA_PARALLEL))) return tensors;
  return new Map([...tensors].map(([name, tensor]) => [name.slice(DATA_PARALLEL.length), tensor]));
}

/** For errors: the state dicts to choose from, or what is there in place of one. */
function contents({ entries }: PickleDict, choices: ReadonlyMap<string, unknown>): string {
  if (choices.size > 0) return `state dicts under ${listed([...choices.keys()])}`;
  if (entries.size === 0) return 'an empty dict';
  const tensors = [...entries.values()].filter((value) => value instanceof TorchTensor).length;
  if (tensors === 0) return `a dict without one, with the keys ${listed([...entries.keys()])}`;
  const others = [...entries].filter(([, value]) => !(value instanceof TorchTensor)).map(([name]) => name);
  if (others.length === 0) return 'tensors themselves';
  return `tensors beside ${listed(others)}, which ${others.length === 1 ? 'is' : 'are'} none`;
}

function listed(keys: readonly PickleValue[]): string {
  const shown = keys.slice(0, SHOWN_KEYS).map((name) => (typeof name === 'string' ? quote(name) : describeValue(name)));
  return keys.length > SHOWN_KEYS ? `${shown.join(', ')}, … (${keys.length})` : shown.join(', ');
}
