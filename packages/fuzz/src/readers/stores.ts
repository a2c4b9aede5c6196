import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { accuracy, crossEntropy, hubModel, type Metric, verifyEntries } from '@radin/core';
import { expandArrays, expandModels } from '../../../cli/dist/pool/expand.js';
import { ContentCache, cacheKey } from '../../../core/dist/cache/index.js';
import { failureOf, printedScore, readCommandLogits } from '../../../core/dist/evaluator/command-result.js';
import { mutant, TEXTS } from '../changes/bytes.js';
import { below, lie, of, once, unsigned } from '../changes/choice.js';
import { jsonMutant } from '../changes/json.js';
import { npyMutant } from '../changes/npy.js';
import type { Reader } from '../reader.js';
import { attempts } from './attempts.js';

const KEY = cacheKey('logits', { model: 'a', samples: 3 });
const PAYLOAD = Buffer.from('a result of 24 bytes....');
const LARGEST = 1000;

const HUB = 'models--org--name';
const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const PATTERNS = [
  '*.npy',
  '**/*',
  'a-{1..3}.npy',
  '[a-c].npy',
  '!(x).npy',
  '+(a|b)',
  '../*',
  '{a,b,c}{a,b,c}{a,b,c}.npy',
  '@(a|b)*(c)',
  'x.npz:y',
  'a.npy',
  'sub/',
  '**/**/**/*.npy',
  '?',
  '[!a]*',
];

/** What earlier runs, other programs and the command line leave: cache entries, answers of evaluators, the Hub's cache, patterns. */
export const STORE_READERS: readonly Reader[] = [
  {
    name: 'cache',
    mutate: (random) => {
      const key = Buffer.from(once(random, 4) ? jsonMutant(random, JSON.parse(KEY.text)) : KEY.text);
      const magic = Buffer.from(once(random, 12) ? 'radin-c\u0002' : 'radin-c\u0001');
      const length = once(random, 6) ? lie(random, key.length) : BigInt(key.length);
      const payload = once(random, 4) ? mutant(PAYLOAD, random) : PAYLOAD;
      const body = Buffer.concat([magic, unsigned(length, 4), key, payload]);
      const bytes = once(random, 3) ? mutant(body, random) : body;
      const checksum = createHash('sha256')
        .update(once(random, 2) ? bytes : body)
        .digest();
      return { [`entries/${KEY.name}.entry`]: once(random, 20) ? '/dev/zero' : Buffer.concat([bytes, checksum]) };
    },
    read: async (folder) => {
      const cache = await ContentCache.open(folder);
      const found = await cache.read(KEY, LARGEST);
      if (found !== undefined && found.byteLength > LARGEST) throw new Error('an entry larger than was asked for');
      const { sound } = await verifyEntries(folder);
      if (found !== undefined && sound !== 1) throw new Error('an entry was read and is not sound');
      return undefined;
    },
  },
  {
    name: 'evaluator',
    mutate: (random) => {
      const line = jsonMutant(random, { score: of(random, [0, 0.5, 1, -0.5, 2]) });
      const output = `${of(random, ['', 'epoch 1\r', 'x\n\n', '\u001b[2K'])}${line}${of(random, ['', '\n', '\r\n', '\n\0'])}`;
      return {
        'out.txt': once(random, 3) ? mutant(Buffer.from(output), random) : Buffer.from(output),
        'x.npy': npyMutant(random, true),
      };
    },
    read: async (folder) => {
      const { readFileSync } = await import('node:fs');
      const stdout = readFileSync(join(folder, 'out.txt'), 'utf8');
      const failed = failureOf({ code: 1, signal: null, timedOut: false, stdout, stderr: stdout }, 1000) as string;
      if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(failed) || failed.length > 400)
        throw new Error(`no line of a message: ${failed}`);
      const scored = (metric: Metric) => () => {
        const score = printedScore({ code: 0, signal: null, timedOut: false, stdout, stderr: '' }, metric);
        if (!Number.isFinite(score)) throw new Error('a score that is not finite');
      };
      const logits = () =>
        readCommandLogits(join(folder, 'x.npy'), {
          labels: { path: 'y', values: Int32Array.of(0, 1) },
          samples: 2,
        } as never);
      await attempts(scored(accuracy), scored(crossEntropy), logits);
      return undefined;
    },
  },
  {
    name: 'hub',
    mutate: (random) => {
      const text = `hf://org/name${of(random, ['', '@main', '@v1', `@${COMMIT}`, '@refs/pr/1'])}${of(random, ['', '/model.safetensors', '/sub/x.bin', '/../../x'])}`;
      return {
        'reference.txt': once(random, 2) ? Buffer.from(text) : mutant(Buffer.from(text), random),
        [`hub/${HUB}/refs/main`]: once(random, 6) ? mutant(Buffer.from(COMMIT), random) : Buffer.from(COMMIT),
        [`hub/${HUB}/snapshots/${COMMIT}/model.safetensors`]: once(random, 4)
          ? of(random, ['../../blobs/x', '/etc/hostname', '/dev/zero', 'model.safetensors'])
          : Buffer.from('x'),
      };
    },
    read: async (folder) => {
      const { readFileSync } = await import('node:fs');
      const text = readFileSync(join(folder, 'reference.txt'), 'utf8');
      const hub = join(folder, 'hub');
      const found = await hubModel(text, { environment: { HF_HUB_OFFLINE: '1', HF_HUB_CACHE: hub } });
      if (!found.startsWith(`${hub}/models--`)) throw new Error(`a reference that leads to ${found}`);
      return undefined;
    },
  },
  {
    name: 'patterns',
    mutate: (random) => {
      const pattern = Buffer.from(of(random, [...PATTERNS, of(random, TEXTS)]));
      const files = ['a.npy', 'b.npy', 'part-2.npy', 'part-10.npy', 'sub/c.npy', '[x].npy', 'm/model.safetensors'];
      return {
        'pattern.txt': once(random, 2) ? pattern : mutant(pattern, random),
        ...Object.fromEntries(files.slice(below(random, 3)).map((name) => [name, Buffer.of(1)])),
      };
    },
    read: async (folder) => {
      const { readFileSync } = await import('node:fs');
      const pattern = readFileSync(join(folder, 'pattern.txt'), 'utf8');
      // What a pattern finds of the whole file system is the user's, and takes as long as it is large.
      if (pattern.startsWith('/') || pattern.includes('..')) return undefined;
      await attempts(
        () => expandArrays([pattern], folder, 'a test'),
        () => pattern.startsWith('hf://') || expandModels([pattern], folder, 'a test'),
      );
      return undefined;
    },
  },
];
