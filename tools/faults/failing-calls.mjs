/** Every call on files of every command fails once: in the process itself, and in those that it starts. */
import { COMMANDS } from './commands.mjs';
import { FAULTS } from './control.mjs';

const ERRORS = ['main', 'child'].flatMap((role) =>
  ['EIO', 'ENOSPC', 'ENOSPC-stays', 'EMFILE', 'EMFILE-stays', 'EINTR', 'short'].map((fault) => [role, fault]),
);
/** The process that evaluates dies in the resident process's sight; the program itself needs a process of its own, which takes longer. */
const KILLS = [
  ['main', 'kill-before'],
  ['main', 'kill-after'],
  ['child', 'kill-before'],
];
/** Memory of which losing a piece is a case: larger than what Node and V8 need for themselves on the way. */
export const LEAST_BYTES = 2 ** 18;


/**
 * All cases of these commands, which are run without faults for it.
 * @param kills whether the program is killed at each call, in place of errors
 */
export async function callCases(workplace, names, kills) {
  const cases = [];
  for (const name of names) {
    for (const earlier of COMMANDS[name].earlier === undefined ? [false] : [false, true]) {
      if (!earlier && COMMANDS[name].needsEarlier) continue;
      const { calls } = await workplace.undisturbed(name, earlier);
      for (const [role, fault] of kills ? KILLS : ERRORS) {
        calls[role].forEach((kind, first) => {
          if (FAULTS[fault].kinds.includes(kind)) cases.push({ name, earlier, role, fault, first });
        });
      }
    }
  }
  return cases;
}

/** @returns what is wrong, a line each */
export async function failCall(workplace, { name, earlier, role, fault, first }) {
  const { control } = workplace;
  const { args } = COMMANDS[name];
  const killed = fault.startsWith('kill') && role === 'main';
  await workplace.undisturbed(name, earlier);
  await workplace.reset(name, earlier);
  control.arm(fault, role, first);
  const outcome = killed ? await workplace.runAlone(args, { shim: true }) : await workplace.run(args);
  const fired = control.fired();
  control.disarm();
  // A file whose removal fails stays.
  const mayRemain = fired?.kind === 'UNLINK';
  const wrong = await workplace.judge(name, earlier, outcome, { killed: killed && outcome.died !== undefined, mayRemain });
  return wrong.map((text) => `${text}${fired === undefined ? '' : ` (failed: ${fired.kind} ${fired.path})`}`);
}
