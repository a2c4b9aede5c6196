import { spawnSync } from 'node:child_process';

/** Runs a module in a process of its own, so that a crash is a failed test and not the end of them. */
export function runModule(source: string): string {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the process ended with ${status ?? signal}: ${stderr}`);
  return stdout.trim();
}
