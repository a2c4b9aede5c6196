/** The addon as the library loads it, with a list of the raw calls that were made. */
import url = require('node:url');

type Raw = (...values: unknown[]) => unknown;
type Recorded = Record<string, Raw | number> & {
  readonly calls: [raw: Raw, values: unknown[]][];
  /** Names of all functions that were called. */
  readonly called: Set<string>;
};

const path =
  process.env.RADIN_NATIVE_ADDON ??
  url.fileURLToPath(url.pathToFileURL(`${__dirname}/../../../native/build/Release/radin_native.node`));
const addon = require(path) as Record<string, Raw | number>;
const recorded = { calls: [], called: new Set() } as unknown as Recorded;

for (const [name, raw] of Object.entries(addon)) {
  recorded[name] =
    typeof raw === 'function'
      ? (...values: unknown[]) => {
          recorded.called.add(name);
          recorded.calls.push([raw, values]);
          return raw(...values);
        }
      : raw;
}

export = recorded;
