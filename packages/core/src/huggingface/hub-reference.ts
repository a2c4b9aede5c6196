import { quote, RadinError } from '../errors/index.js';

const SCHEME = 'hf://';
/** Longer paths exist on no disk. */
const LONGEST = 2048;

/** Whether a model is named by its place on the Hub. */
export function isHubReference(text: string): boolean {
  return text.startsWith(SCHEME);
}

/** A model on the Hub, as `hf://org/name@revision/path` names it. */
export interface HubReference {
  readonly text: string;
  /** `org/name`. */
  readonly repository: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
  /** A file or a folder in the repository; empty for the repository itself. */
  readonly path: string;
}

const PATTERN =
  /^hf:\/\/([\w.-]+\/[\w.-]+)(?:@((?:refs\/(?:pr\/\d+|convert\/[\w.-]+))|[\w.%-]+))?(?:\/((?:[^/\\:\0]+\/)*[^/\\:\0]+))?\/?$/;

/** @throws RadinError `CONFIG` where the text names no model */
export function parseHubReference(text: string): HubReference {
  const [, repository = '', revision = 'main', path = ''] = (text.length <= LONGEST && PATTERN.exec(text)) || [];
  const kind = /^(datasets|spaces|models)\//.exec(repository)?.[1];
  // Two dots in a row are what leads out of a folder, and two hyphens are what the cache divides names by.
  const names = `${repository}/${revision}/${path}`;
  if (repository === '' || kind !== undefined || /\.\.|--/.test(repository) || /(^|\/)\.\.?(\/|$)/.test(names)) {
    const found = kind === undefined || kind === 'models' ? quote(text) : `one of ${kind}: ${quote(text)}`;
    throw new RadinError('CONFIG', `Expected a model as hf://organisation/name@revision/path but found ${found}`);
  }
  return { text, repository, revision: decodedRevision(revision, text), path };
}

/** A slash in the name of a branch is written %2F. */
function decodedRevision(revision: string, text: string): string {
  const decoded = revision.replaceAll('%2F', '/').replaceAll('%2f', '/');
  if (!decoded.includes('%') && decoded.split('/').every((part) => !/^\.{0,2}$/.test(part))) return decoded;
  throw new RadinError('CONFIG', `Expected the name of a revision but found ${quote(revision)} in ${quote(text)}`);
}
