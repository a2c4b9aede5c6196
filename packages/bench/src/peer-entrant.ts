import type { Entrant } from './experiment.js';
import type { Peers } from './peers.js';

/**
 * A task of the peers' process; nothing where there is no such process, or it lacks what the task needs.
 * @param question what is asked of the task when its answer is compared
 */
export function peerEntrant(
  peers: Peers | undefined,
  name: string,
  task: string,
  steps: number,
  question: Readonly<Record<string, unknown>>,
): Entrant[] {
  if (peers === undefined || !peers.has(task)) return [];
  return [
    {
      name,
      side: 'peer',
      steps,
      run: async (threads, count) => Number((await peers.call({ call: 'run', task, threads, steps: count })).seconds),
      answer: async () => (await peers.call({ call: 'result', task, steps, ...question })).values as number[],
    },
  ];
}
