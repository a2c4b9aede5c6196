import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';

export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

export interface Hub {
  readonly url: string;
  /** Requests that came, `METHOD path`. */
  readonly requests: string[];
  /** Breaks the next connection over which a file of this path goes, half way. */
  breakOff: string | undefined;
  /** Sends zeros in place of this file. */
  spoilt: string | undefined;
  /** Where listings go on. */
  nextPage: string | undefined;
  /** What requests had as their authorization. */
  readonly tokens: (string | undefined)[];
}

/** A server that answers as the Hub does for one repository, `org/name`; `org/closed` asks for a token and `org/gated` is gated. */
export async function hub(files: Readonly<Record<string, Uint8Array>>): Promise<Hub> {
  const state = {
    requests: [] as string[],
    tokens: [] as (string | undefined)[],
    breakOff: undefined,
    spoilt: undefined,
    nextPage: undefined,
  } as {
    -readonly [K in keyof Hub]: Hub[K];
  };
  const server = createServer((request, response) => {
    state.requests.push(`${request.method} ${request.url?.split('?')[0]}`);
    state.tokens.push(request.headers.authorization);
    answer(request, response, files, state);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return state;
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  files: Readonly<Record<string, Uint8Array>>,
  state: { -readonly [K in keyof Hub]: Hub[K] },
): ServerResponse {
  const path = decodeURIComponent((request.url as string).split('?')[0] as string);
  const json = (status: number, value: unknown, code?: string) => {
    response.writeHead(status, { 'content-type': 'application/json', ...(code && { 'x-error-code': code }) });
    return response.end(JSON.stringify(value));
  };
  const [, repository] = /^(?:\/api\/models)?\/(org\/\w+)\//.exec(path) ?? [];
  const token = request.headers.authorization;
  if (repository === 'org/gated') return json(403, { error: 'gated' }, 'GatedRepo');
  const open = repository === 'org/name' || (repository === 'org/closed' && token === 'Bearer hf_token');
  if (!open) return json(401, { error: 'Repository not found' }, 'RepoNotFound');
  const revision = /\/revision\/(.+)$/.exec(path)?.[1];
  if (revision !== undefined) {
    if (!['main', 'v1', COMMIT].includes(revision)) return json(404, { error: 'Invalid rev id' }, 'RevisionNotFound');
    return json(200, { _id: '1', id: repository, sha: COMMIT, private: false, downloads: 0, likes: 0 });
  }
  if (path.includes(`/tree/${COMMIT}`)) {
    if (state.nextPage !== undefined) response.setHeader('link', `<${state.nextPage}>; rel="next"`);
    return json(200, [{ type: 'directory', path: 'sub', oid: 'x', size: 0 }, ...Object.entries(files).map(entry)]);
  }
  const name = path.split(`/resolve/${COMMIT}/`)[1] ?? '';
  const file = files[name];
  if (file === undefined) return json(404, { error: 'Entry not found' }, 'EntryNotFound');
  const [, from = '0', to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const sent = state.spoilt === name ? new Uint8Array(file.length) : file;
  const part = sent.subarray(Number(from), to ? Number(to) + 1 : undefined);
  response.writeHead(request.headers.range ? 206 : 200, {
    etag: '"e"',
    'content-length': part.length,
    'content-range': `bytes ${from}-${Number(from) + part.length - 1}/${file.length}`,
  });
  if (state.breakOff === name && part.length > 1) {
    state.breakOff = undefined;
    response.write(part.subarray(0, part.length / 2));
    setTimeout(() => response.destroy(), 20);
    return response;
  }
  return response.end(part);
}

/** Safetensors files are large files, whose hash is SHA-256; git knows others by the SHA-1 of a blob. */
function entry([path, bytes]: [string, Uint8Array]): object {
  const size = bytes.length;
  const blob = createHash('sha1').update(`blob ${size}\0`).update(bytes).digest('hex');
  const oid = createHash('sha256').update(bytes).digest('hex');
  const isLarge = /\.(safetensors|bin)$/.test(path);
  return { type: 'file', path, size, oid: blob, ...(isLarge && { lfs: { oid, size, pointerSize: 100 } }) };
}
