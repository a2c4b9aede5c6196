import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AVERAGING_VERSION, makeFolder, ONNXRUNTIME_VERSION, RadinError } from '@radin/core';
import { decodePrediction, encodePrediction, type Prediction } from './outcome.js';

/** Predictions of one pool's soups on disk, a file for each mixture, so that a later run does not evaluate them again. */
export class PredictionFolder {
  /** Where this pool's predictions are, and what else is known of exactly these files. */
  readonly path: string;
  readonly #samples: number;

  private constructor(path: string, samples: number) {
    this.path = path;
    this.#samples = samples;
  }

  /**
   * A folder of its own for each content of the pool's files, so that no prediction of other weights is ever found.
   * @param content of the files, as `contentOf` says it
   * @throws RadinError where it cannot be made
   */
  static async open(parent: string, content: string, samples: number): Promise<PredictionFolder> {
    const path = join(parent, content);
    await makeFolder(path).catch((error: NodeJS.ErrnoException) => {
      const found = error.code ?? error.message;
      throw new RadinError('FILE', `Expected to keep evaluations in the folder ${parent} but found: ${found}`, {
        cause: error,
      });
    });
    return new PredictionFolder(path, samples);
  }

  /** @returns undefined where there is none, or no sound one */
  async read(key: string): Promise<Prediction | undefined> {
    const bytes = await readFile(this.#path(key)).catch(() => undefined);
    if (bytes === undefined) return undefined;
    const prediction = bytes.subarray(DIGEST_BYTES);
    return digest(prediction).equals(bytes.subarray(0, DIGEST_BYTES))
      ? decodePrediction(prediction, this.#samples)
      : undefined;
  }

  async write(key: string, prediction: Prediction): Promise<void> {
    const path = this.#path(key);
    const bytes = encodePrediction(prediction);
    await writeFile(`${path}.part-${process.pid}`, Buffer.concat([digest(bytes), bytes]));
    await rename(`${path}.part-${process.pid}`, path);
  }

  /** Keys of large pools are longer than file names can be; other versions may differ in the last bit. */
  #path(key: string): string {
    const name = JSON.stringify([ONNXRUNTIME_VERSION, AVERAGING_VERSION, key]);
    return join(this.path, createHash('sha256').update(name).digest('hex'));
  }
}

/** Before each prediction: a bit that flips on disk would change a score. */
const DIGEST_BYTES = 32;

function digest(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/**
 * Files' bytes in one name: 16 digits of their SHA-256.
 * @param output of the graph, where one is named: others of the same files predict something else
 * @param choices what else decides how the files are read, as a text
 */
export async function contentOf(files: readonly string[], output?: string, choices = ''): Promise<string> {
  const hash = createHash('sha256');
  if (output !== undefined) hash.update(JSON.stringify({ output }));
  for (const file of files)
    await pipeline(createReadStream(file), async (chunks) => {
      for await (const chunk of chunks) hash.update(chunk as Uint8Array);
    });
  return hash.update(choices).digest('hex').slice(0, 16);
}
