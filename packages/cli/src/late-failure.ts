import { fileURLToPath } from 'node:url';
import { escapeControls } from '@radin/core/errors';
import { reason } from './pool/thrown.js';

/** Where the packages of this program lie: a file elsewhere is the user's, or a library's. */
const OURS = new URL('../../', import.meta.url);

/**
 * The one line for what the code of a user's metric threw after its call had returned, so that nobody could catch it; undefined where the
 * code that threw is ours, or a library's.
 */
export function lateFailure(error: unknown): string | undefined {
  const place = error instanceof Error ? placeOf(error) : 'its module';
  if (place === undefined) return undefined;
  return escapeControls(
    `Expected a metric of your own to leave no error behind but found: ${reason(error)}, in ${place}`,
  );
}

/** File and line of the code that threw, if it is the user's. */
function placeOf({ stack = '' }: Error): string | undefined {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  const frame = frames.find((line) => !line.includes('node:'));
  // Without frames of ours it is what Node makes of a rejection with something that is no error.
  if (frame === undefined) return frames.length > 0 ? 'its module' : undefined;
  const place = /(?:\(|at (?:async )?)((?:file:\/\/|\/)[^()]*?:\d+):\d+\)?$/.exec(frame)?.[1];
  if (place === undefined || place.includes('/node_modules/')) return undefined;
  const path = place.startsWith('file://') ? place.slice('file://'.length) : place;
  return path.startsWith(fileURLToPath(OURS)) ? undefined : decodeURI(path);
}
