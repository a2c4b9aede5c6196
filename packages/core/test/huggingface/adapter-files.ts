import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { draw, numbers, type TensorData, tensor, writeModel } from '../files.js';

const next = numbers(7);

/** A float tensor of random values in [−1, 1). Half precision is random bits of numbers of that size. */
export function random(shape: readonly number[], dtype: 'F32' | 'F16' = 'F32'): TensorData {
  const length = shape.reduce((product, size) => product * size, 1);
  if (dtype === 'F32') return tensor('F32', shape, draw(next, length));
  // Exponents of 2^-7 to 2^-1, any fraction and sign.
  const bits = Uint16Array.from(draw(next, length), (value) => 0x2000 + Math.floor((value + 1) * 0xc00));
  return tensor('F16', shape, bits);
}

/** Writes an adapter as PEFT does. @returns the path of its weights */
export async function writeAdapter(
  folder: string,
  tensors: Readonly<Record<string, TensorData>>,
  config: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const named = Object.entries(tensors).map(([name, data]) => [`base_model.model.${name}`, data] as const);
  const usual = { peft_type: 'LORA', base_model_name_or_path: 'org/base', r: 2, lora_alpha: 3, lora_dropout: 0.1 };
  writeFileSync(join(folder, 'adapter_config.json'), JSON.stringify({ ...usual, bias: 'none', ...config }));
  return writeModel(join(folder, 'adapter_model.safetensors'), Object.fromEntries(named), { format: 'pt' });
}

/** NumPy's float64 of base + Σ p s B A, of the model folders and weights given: for each tensor its little-endian float64, in base64. */
export const ORACLE = `
import base64, json, math, re, sys
import numpy as np
DTYPES = {'F32': '<f4', 'F16': '<f2', 'F64': '<f8'}
def load(path):
    raw = open(path, 'rb').read()
    n = int.from_bytes(raw[:8], 'little')
    return {k: np.frombuffer(raw[8 + n:][v['data_offsets'][0]:v['data_offsets'][1]], DTYPES[v['dtype']]).astype('f8').reshape(v['shape'])
            for k, v in json.loads(raw[8:8 + n]).items() if k != '__metadata__'}
def product(a, b, transposed):
    flat = a.reshape(len(a), -1)
    rows = b.reshape(len(b), -1)
    total = np.zeros((len(rows), flat.shape[1]))
    for k in range(len(flat)):
        total = total + np.multiply.outer(rows[:, k], flat[k])
    return total.T if transposed else total.reshape((len(rows),) + a.shape[1:])
def merged(base, folder, weight):
    config = json.load(open(folder + '/adapter_config.json'))
    tensors = {k[len('base_model.model.'):]: v for k, v in load(folder + '/adapter_model.safetensors').items()}
    for name, a in tensors.items():
        match = re.match(r'(.*)\\.lora_(embedding_)?A', name)
        if match is None:
            continue
        module, embedding = match.groups()
        b = tensors[name.replace('lora_embedding_A', 'lora_embedding_B').replace('lora_A', 'lora_B')]
        def of(pattern, usual):
            return next((v for k, v in (config.get(pattern) or {}).items() if re.match(r'(.*\\.)?' + k + '$', module)), usual)
        r = of('rank_pattern', config['r'])
        scale = of('alpha_pattern', config['lora_alpha']) / (math.sqrt(r) if config.get('use_rslora') else r)
        yield module + '.weight', weight * (scale * product(a, b, embedding or (config.get('fan_in_fan_out') and a.ndim == 2)))
    for name, value in tensors.items():
        if 'lora_' not in name:
            yield name, ('whole', weight * value)
base_path, *rest = sys.argv[1:]
base = load(base_path)
result, whole = dict(base), {}
for folder, weight in zip(rest[::2], map(float, rest[1::2])):
    for name, change in merged(base, folder, weight):
        if isinstance(change, tuple):
            whole[name] = whole.get(name, 0) + change[1]
        else:
            result[name] = result[name] + change
result.update(whole)
print(json.dumps({k: base64.b64encode(np.ascontiguousarray(v).astype('<f8').tobytes()).decode() for k, v in result.items()}))
`;
