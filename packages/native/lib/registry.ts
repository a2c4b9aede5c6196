import type { Backend } from './backend.js';
import { openNativeBackend } from './native.js';
import { referenceBackend } from './reference.js';

interface Entry {
  readonly name: string;
  /** @throws Error whose message is the reason, in one line, why this backend is not available. */
  open(): Backend;
}

const native = (name: string): Entry => ({ name, open: () => openNativeBackend(name) });

/**
 * `auto` takes the first that opens. `cpu` is the fastest of the instruction sets after it. `cuda` is asked for by name: it wins
 * where very many subsets are scored on few cores and loses where bytes have to cross the bus (docs/cuda.md).
 */
const ENTRIES: readonly Entry[] = [
  native('cpu'),
  native('cuda'),
  native('cpu-avx512'),
  native('cpu-avx2'),
  native('cpu-neon'),
  native('cpu-portable'),
  { name: 'reference', open: () => referenceBackend },
];

export interface BackendStatus {
  readonly name: string;
  readonly available: boolean;
  /** Why it is not available, in one line. */
  readonly reason?: string;
}

/** A backend that was asked for by name is unknown or cannot be used here. The message is one line. */
export class BackendUnavailableError extends Error {
  override readonly name = 'BackendUnavailableError';
  readonly backend: string;

  constructor(backend: string, reason: string, options?: ErrorOptions) {
    super(`Backend ${JSON.stringify(backend)} is not available: ${reason}`, options);
    this.backend = backend;
  }
}

/** Names of the backends that this package knows, in the order of preference, available here or not. */
export const BACKEND_NAMES: readonly string[] = ENTRIES.map(({ name }) => name);

/** Every backend that this package knows, in the order of preference, and whether it can be used on this machine. */
export function listBackends(): readonly BackendStatus[] {
  return ENTRIES.map(({ name, open }) => {
    try {
      open();
      return { name, available: true };
    } catch (error) {
      return { name, available: false, reason: (error as Error).message };
    }
  });
}

/**
 * The backend of that name, or for `auto` the first available one. There is no fallback from a name.
 * @throws BackendUnavailableError
 */
export function openBackend(name: string): Backend {
  const wanted = name === 'auto' ? ENTRIES : ENTRIES.filter((entry) => entry.name === name);
  let failure: unknown;
  for (const entry of wanted) {
    try {
      return entry.open();
    } catch (error) {
      failure = error;
    }
  }
  const known = ['auto', ...BACKEND_NAMES].join(', ');
  const reason = failure === undefined ? `expected one of ${known}` : (failure as Error).message;
  throw new BackendUnavailableError(name, reason, { cause: failure });
}
