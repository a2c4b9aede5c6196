import { accuracy, hubModel } from '@radin/core';
import { Terminal } from '../terminal/terminal.js';

const MEGABYTE = 1e6;

export interface DownloadOptions {
  readonly quiet?: true;
  readonly signal?: AbortSignal;
}

/** The folder or file of a model on the Hub, in the shared cache; says what is downloaded, with a bar for large files on terminals. */
export async function downloadModel(reference: string, { quiet, signal }: DownloadOptions): Promise<string> {
  const terminal = new Terminal(quiet === undefined ? {} : { quiet }, accuracy);
  let current = '';
  const onProgress = (file: string, done: number, total: number) => {
    if (file !== current) {
      terminal.finish();
      terminal.notice(`downloading ${file} of ${reference}, ${(total / MEGABYTE).toFixed(1)} MB`);
      current = file;
    }
    if (total < MEGABYTE) return;
    terminal.onProgress({
      phase: 'download',
      done: Math.floor(done / MEGABYTE),
      total: Math.ceil(total / MEGABYTE),
    });
  };
  try {
    return await hubModel(reference, { signal, onProgress });
  } finally {
    terminal.finish();
  }
}
