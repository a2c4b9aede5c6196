import { RadinError } from '../errors/index.js';
import { hubToken, isCommit } from './hub-cache.js';
import type { HubReference } from './hub-reference.js';

/** A file of a repository as its tree lists it. */
export interface HubFile {
  readonly path: string;
  readonly size: number;
  /** SHA-256 of the content where it is large, else git's SHA-1 of it, hexadecimal: the name of its blob in the cache. */
  readonly hash: string;
}

const DEFAULT_HUB = 'https://huggingface.co';
/** More than any model has; a listing without end must have one. */
const MOST_FILES = 100_000;

/** One repository on the Hub, through `@huggingface/hub`. Errors are of one line and name the reference. */
export class HubClient {
  private constructor(
    private readonly hub: typeof import('@huggingface/hub'),
    private readonly reference: HubReference,
    private readonly url: string,
    private readonly token: string | undefined,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** @throws RadinError where `@huggingface/hub`, an optional dependency, is not installed */
  static async open(
    reference: HubReference,
    environment: NodeJS.ProcessEnv,
    signal: AbortSignal | undefined,
  ): Promise<HubClient> {
    const hub = await import('@huggingface/hub').catch((error: unknown) => {
      throw new RadinError(
        'CONFIG',
        `Expected the package @huggingface/hub, which reads ${reference.text}, but found none: npm install @huggingface/hub`,
        { cause: error },
      );
    });
    const { HF_ENDPOINT: endpoint } = environment;
    const url = (endpoint || DEFAULT_HUB).replace(/\/+$/, '');
    return new HubClient(hub, reference, url, await hubToken(environment), signal);
  }

  /** The commit that the revision is. */
  async commit(): Promise<string> {
    const { repository: name, revision } = this.reference;
    const info = await this.#asked(() =>
      this.hub.modelInfo({ name, revision, additionalFields: ['sha'], ...this.#common() }),
    );
    if (isCommit(info.sha)) return info.sha;
    throw this.#refused('an answer without a commit');
  }

  /** All files at a commit. */
  async files(commit: string): Promise<HubFile[]> {
    const files: HubFile[] = [];
    await this.#asked(async () => {
      const options = { repo: this.#repository(), revision: commit, recursive: true, ...this.#common() };
      for await (const { type, path, size, oid, lfs } of this.hub.listFiles(options)) {
        if (type !== 'file') continue;
        const hash = lfs?.oid ?? oid ?? '';
        const sized = lfs?.size ?? size;
        const sound = /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash) && Number.isSafeInteger(sized) && sized >= 0;
        if (!sound || typeof path !== 'string') throw this.#refused('a listing that no other tool would understand');
        files.push({ path, size: sized, hash });
        if (files.length > MOST_FILES) throw this.#refused(`more than ${MOST_FILES} files`);
      }
    });
    return files;
  }

  /** A file's content from a byte on, as it comes. It may break off. */
  async *content({ path, size }: HubFile, commit: string, from: number): AsyncGenerator<Uint8Array> {
    const options = { repo: this.#repository(), path, revision: commit, ...this.#common() };
    const blob = await this.#asked(() => this.hub.downloadFile(options));
    if (blob === null) throw this.#refused(`no file ${path}`);
    if (blob.size !== size) throw this.#refused(`${blob.size} bytes of ${path} in place of ${size}`);
    yield* (from === 0 ? blob : blob.slice(from)).stream() as unknown as AsyncIterable<Uint8Array>;
  }

  #repository(): { type: 'model'; name: string } {
    return { type: 'model', name: this.reference.repository };
  }

  #common(): { hubUrl: string; fetch: typeof fetch; accessToken?: string } {
    const request: typeof fetch = async (input, init) => {
      const { signal } = this;
      const headers = this.#headersFor(input, init);
      const response = await fetch(input, { ...init, headers, ...(signal && { signal }) });
      if (!response.ok) throw this.#refused(this.#statusText(response));
      return response;
    };
    return { hubUrl: this.url, fetch: request, ...(this.token !== undefined && { accessToken: this.token }) };
  }

  /** The token is for the Hub alone: its answers may name addresses elsewhere. */
  #headersFor(input: string | URL | Request, init: RequestInit | undefined): Headers {
    const headers = new Headers(init?.headers);
    const isElsewhere = new URL(input instanceof Request ? input.url : input).origin !== new URL(this.url).origin;
    if (isElsewhere && headers.get('authorization') === `Bearer ${this.token}`) headers.delete('authorization');
    return headers;
  }

  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      this.signal?.throwIfAborted();
      if (error instanceof RadinError) throw error;
      const { message, cause } = error as Error & { cause?: { code?: string; message?: string } };
      const reason = cause?.code ?? cause?.message ?? message;
      const advice = message === 'fetch failed' ? '; HF_HUB_OFFLINE=1 takes what is in the cache' : '';
      throw this.#refused(`${reason} at ${this.url}${advice}`, error);
    }
  }

  #statusText({ status, headers }: Response): string {
    const { repository, revision } = this.reference;
    const code = headers.get('x-error-code');
    if (code === 'GatedRepo')
      return `a gated model: accept its conditions at ${this.url}/${repository} and set HF_TOKEN`;
    if (code === 'RevisionNotFound') return `no revision ${revision} of ${repository}`;
    if (status === 401 || status === 403) {
      const token = this.token === undefined ? 'no token: set HF_TOKEN' : 'a token that does not give access';
      return `${token} (${status}; the model is private, gated, or does not exist)`;
    }
    if (status === 404) return `no such model or revision (404)`;
    return `the answer ${status}`;
  }

  #refused(found: string, cause?: unknown): RadinError {
    return new RadinError('FILE', `Expected to read ${this.reference.text} from the Hub but found ${found}`, { cause });
  }
}
