import { readFileSync } from 'node:fs';

/** How often memory is looked at, in milliseconds. */
const INTERVAL = 100;

/** A user of memory besides this process: another process, or files that are in memory. */
export type MemoryUser = { readonly pid: number } | { readonly fileBytes: () => number };

/**
 * The most memory that this process and those that evaluate for it have had at one time, looked at ten times a second on Linux. What
 * they share counts once: files in memory by their size, and of libraries those of the process that has most of them. Elsewhere
 * than on Linux it is this process's own.
 */
export class MemoryMeter {
  readonly #users = new Set<MemoryUser>();
  readonly #watch = setInterval(() => this.#look(), INTERVAL).unref();
  #peak = 0;

  /** Whether other processes are counted. */
  readonly isOfAll = process.platform === 'linux';

  /** Counts a user in until `remove` is called. */
  add(user: MemoryUser): { remove(): void } {
    this.#users.add(user);
    this.#look();
    return { remove: () => void this.#users.delete(user) };
  }

  /** Bytes, until now. */
  get peak(): number {
    this.#look();
    // What this process had between two looks is known of itself alone; in KiB on every system.
    return Math.max(this.#peak, process.resourceUsage().maxRSS * 1024);
  }

  /** Looks no more. */
  close(): void {
    clearInterval(this.#watch);
  }

  #look(): void {
    if (!this.isOfAll) return;
    let own = 0;
    let libraries = 0;
    for (const user of [{ pid: process.pid }, ...this.#users]) {
      if ('pid' in user) {
        const { anonymous, file } = residentParts(user.pid);
        own += anonymous;
        libraries = Math.max(libraries, file);
      } else {
        own += user.fileBytes();
      }
    }
    this.#peak = Math.max(this.#peak, own + libraries);
  }
}

/** Bytes of memory of a process, apart from that of files; none of a process that is gone. */
function residentParts(pid: number): { readonly anonymous: number; readonly file: number } {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
    return { anonymous: bytes('RssAnon'), file: bytes('RssFile') };
  } catch {
    return { anonymous: 0, file: 0 };
  }
}
