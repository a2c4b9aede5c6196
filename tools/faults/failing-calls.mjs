/** Every call on files of every command fails once, in the process itself and in those that it starts; or the process is killed there. */
import { COMMANDS } from './commands.mjs';
import { FAULTS } from './control.mjs';
import { isTemporary } from './results.mjs';

const ERRORS = ['main', 'child'].flatMap((role) =>
  ['EIO', 'ENOSPC', 'ENOSPC-stays', 'EMFILE', 'EMFILE-stays', 'EINTR', 'short'].map((fault) => [role, fault]),
);
/** The process that evaluates dies in the resident process's sight; the program itself needs a process of its own, which takes longer. */
const KILLS = [
  ['main', 'kill-before'],
  ['main', 'kill-after'],
  ['child', 'kill-before'],
];
/** Memory that counts: larger than the pieces that Node and V8 take for themselves on the way, and do not survive the loss of. */
const LEAST_BYTES = 2 ** 16;

export const failingCalls = {
  name: 'calls',
  needsShim: true,
  cases: (workplace, names) => casesOf(workplace, names, ERRORS),
};
export const kills = { name: 'kills', needsShim: true, cases: (workplace, names) => casesOf(workplace, names, KILLS) };

async function casesOf(workplace, names, faults) {
  const cases = [];
  for (const name of names) {
    for (const earlier of COMMANDS[name].earlier === undefined ? [false] : [false, true]) {
      if (!earlier && COMMANDS[name].needsEarlier) continue;
      const { calls } = await workplace.undisturbed(name, earlier);
      for (const [role, fault] of faults) {
        calls[role].forEach((kind, first) => {
          if (!FAULTS[fault].kinds.includes(kind)) return;
          const id = [earlier ? 'again' : 'new', role, fault, first].join('/');
          cases.push({ name, id, run: (place) => failCall(place, name, earlier, role, fault, first) });
        });
      }
    }
  }
  return cases;
}

async function failCall(workplace, name, earlier, role, fault, first) {
  const { control } = workplace;
  const { args } = COMMANDS[name];
  const killed = fault.startsWith('kill') && role === 'main';
  await workplace.undisturbed(name, earlier);
  await workplace.reset(name, earlier);
  control.arm(fault, role, first);
  const outcome = killed ? await workplace.runAlone(args, { shim: true }) : await workplace.run(args);
  const fired = control.fired();
  control.disarm();
  // What cannot be removed stays, and a folder that cannot be listed cannot be removed.
  const isOfRemoving =
    ['UNLINK', 'LIST'].includes(fired?.kind) || (fired?.kind === 'STATUS' && isTemporary(fired.path));
  const mayRemain = isOfRemoving || fault === 'EMFILE-stays';
  const wrong = await workplace.judge(name, earlier, outcome, {
    killed: killed && outcome.died !== undefined,
    mayRemain,
  });
  return wrong.map((text) => `${text}${fired === undefined ? '' : ` (failed: ${fired.kind} ${fired.path})`}`);
}

/** Every larger piece of memory is refused once. */
export const memory = {
  name: 'memory',
  needsShim: true,
  async cases(workplace, names) {
    const cases = [];
    for (const name of names) {
      const earlier = COMMANDS[name].needsEarlier === true;
      await workplace.reset(name, earlier);
      workplace.control.disarm(LEAST_BYTES);
      await workplace.run(COMMANDS[name].args);
      const counts = ['main', 'child'].map((role) => [role, workplace.control.allocations(role)]);
      for (const [role, count] of counts) {
        for (let first = 0; first < count; first++) {
          cases.push({ name, id: `${role}/${first}`, run: (place) => refuseMemory(place, name, earlier, role, first) });
        }
      }
    }
    return cases;
  },
};

async function refuseMemory(workplace, name, earlier, role, first) {
  await workplace.undisturbed(name, earlier);
  await workplace.reset(name, earlier);
  workplace.control.arm('ENOMEM', role, first, LEAST_BYTES);
  const { descriptors: _, ...outcome } = await workplace.run(COMMANDS[name].args);
  workplace.control.disarm();
  // Node remembers a module that it could not load, and its files stay open, as long as the process lives: the program's ends here.
  workplace.resident.stop();
  return workplace.judge(name, earlier, outcome, { killed: diedForMemory(outcome) });
}

/** Node and V8 end a process whose own memory is refused, with words of theirs. */
export function diedForMemory({ died, stderr }) {
  return (
    died !== undefined && /out of memory|OOM|allocation failed|bad_alloc|Cannot allocate|ENOMEM/i.test(stderr ?? '')
  );
}
