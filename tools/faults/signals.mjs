/** SIGKILL at any time to the program or to one that it has started, and evaluations that are stopped and hang. */
import { setTimeout as sleep } from 'node:timers/promises';
import { COMMANDS } from './commands.mjs';
import { processesWith } from './runner.mjs';

const CASES = 40;
const SIGNALS = [
  ['kill-evaluator', 'SIGKILL'],
  ['stop', 'SIGSTOP'],
];
const EVALUATING = ['evaluate', 'search', 'search-cached', 'search-race', 'search-onnx', 'compare'];
/** Seconds, so that what hangs is soon over, and what a busy machine delays does not count as that. */
const SHORTEST = ['--evaluation-timeout', '5'];

export const signals = {
  name: 'signals',
  needsShim: false,
  async cases(workplace, names) {
    const cases = [];
    for (const name of names.filter((one) => COMMANDS[one].needsEarlier !== true)) {
      const { milliseconds } = await workplace.undisturbed(name, false);
      for (let at = 0; at < CASES; at++) {
        cases.push({
          name,
          id: `kill/${at}`,
          run: (place, random) => killProgram(place, name, random.uint32() % (2 * milliseconds + 300)),
        });
        if (!EVALUATING.includes(name)) continue;
        const within = (random) => random.uint32() % milliseconds;
        for (const [what, signal] of SIGNALS) {
          if (signal === 'SIGSTOP' && at % 8 > 0) continue;
          const run = (place, random) => signalEvaluator(place, name, within(random), signal);
          cases.push({ name, id: `${what}/${at}`, run });
        }
      }
    }
    return cases;
  },
};

async function killProgram(workplace, name, after) {
  await workplace.undisturbed(name, false);
  await workplace.reset(name, false);
  const whileRunning = (child) => void sleep(after).then(() => child.kill('SIGKILL'));
  const outcome = await workplace.runAlone(COMMANDS[name].args, { whileRunning });
  return workplace.judge(name, false, outcome, { killed: outcome.died !== undefined });
}

async function signalEvaluator(workplace, name, within, signal) {
  await workplace.undisturbed(name, false);
  await workplace.reset(name, false);
  workplace.control?.disarm();
  const args = [...COMMANDS[name].args, ...(signal === 'SIGSTOP' ? SHORTEST : [])];
  const running = workplace.run(args);
  await sleep(within);
  const found = processesWith(workplace.folder).filter((pid) => pid !== workplace.resident.pid);
  for (const pid of found) {
    // It may just have ended.
    try {
      // Loading the graph may take ten minutes: what is stopped there goes on after a while.
      process.kill(pid, signal);
      if (signal === 'SIGSTOP') void sleep(15_000, undefined, { ref: false }).then(() => resume(pid));
    } catch {}
  }
  return workplace.judge(name, false, await running, { args });
}

function resume(pid) {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {}
}
