export { ContentCache, type ContentCacheOptions } from './content-cache.js';
export { type CacheKey, cacheKey, type KeyParts, sha256, sha256OfText } from './key.js';
export { type CacheEntry, listEntries, type PruneOptions, pruneEntries, verifyEntries } from './maintenance.js';
export { PassingCache, type ResultStore } from './passing-cache.js';
