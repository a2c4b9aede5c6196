import { spawnSync } from 'node:child_process';

/**
 * Runs a module in a process of its own, so that a crash is a failed test and not the end of them.
 * @param variables of the environment that are other than here
 */
export function runModule(source: string, variables: NodeJS.ProcessEnv = {}): string {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    encoding: 'utf8',
    env: { ...process.env, ...variables },
  });
  if (status !== 0) throw new Error(`the process ended with ${status ?? signal}: ${stderr}`);
  return stdout.trim();
}
