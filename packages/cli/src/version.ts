import { createRequire } from 'node:module';

/** This program's version. */
export const VERSION: string = (createRequire(import.meta.url)('../package.json') as { version: string }).version;
