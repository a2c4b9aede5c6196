#!/usr/bin/env node
try {
  await import('../dist/main.js');
} catch (error) {
  // The disk failed, or no descriptor was left, before there was a program to say so.
  if (error?.errno === undefined) throw error;
  process.stderr.write(`radin: error: Expected to load the program but found: ${error.message}\n`);
  process.exit(2);
}
