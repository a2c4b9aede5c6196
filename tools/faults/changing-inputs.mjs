/** Inputs that are cut, replaced or written over between two calls of a run, which is stopped there for it. */
import { copyFileSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { COMMANDS } from './commands.mjs';
import { FAULTS } from './control.mjs';

/** What is written in the place of what, of the same kind and size. */
const FILES = [
  ['models/m1.safetensors', 'models/m2.safetensors'],
  ['model.onnx', 'onnx/m2.onnx'],
  ['val_inputs.npy', 'test_inputs.npy'],
  ['val_labels.npy', 'test_labels.npy'],
  ['logits/m1.npy', 'logits/m2.npy'],
  ['onnx/m1.onnx', 'onnx/m2.onnx'],
  ['folders/m1/model.safetensors', 'folders/m2/model.safetensors'],
];

const CHANGES = {
  cut: (path) => truncateSync(path, Math.floor(readFileSync(path).length / 2)),
  replaced: (path, other) => {
    copyFileSync(other, `${path}.new`);
    renameSync(`${path}.new`, path);
  },
  overwritten: (path, other) => writeFileSync(path, readFileSync(other), { flag: 'r+' }),
};

export const changingInputs = {
  name: 'inputs',
  needsShim: true,
  async cases(workplace, names) {
    const cases = [];
    for (const name of names) {
      if (COMMANDS[name].needsEarlier || COMMANDS[name].copies !== undefined) continue;
      const { calls } = await workplace.undisturbed(name, false);
      calls.main.forEach((kind, first) => {
        if (!FAULTS.stop.kinds.includes(kind)) return;
        for (const [file, other] of FILES) {
          for (const change of Object.keys(CHANGES)) {
            const run = (place) => changeInput(place, name, first, change, file, other);
            cases.push({ name, id: `${change}/${file.replaceAll('/', '+')}/${first}`, run });
          }
        }
      });
    }
    return cases;
  },
};

async function changeInput(workplace, name, first, change, file, other) {
  const [path, source] = [file, other].map((one) => join(workplace.folder, 'pool', one));
  const original = readFileSync(path);
  const restore = () => {
    writeFileSync(`${path}.old`, original);
    renameSync(`${path}.old`, path);
  };
  const { args } = COMMANDS[name];
  await workplace.undisturbed(name, false);
  let changed;
  try {
    CHANGES[change](path, source);
    changed = await workplace.once(name, false);
  } finally {
    restore();
  }
  await workplace.reset(name, false);
  try {
    workplace.control.arm('stop', 'main', first);
    const running = workplace.run(args);
    let ended = false;
    void running.then(() => {
      ended = true;
    });
    while (!ended && workplace.control.fired() === undefined) await sleep(1);
    if (!ended) {
      CHANGES[change](path, source);
      await sleep(5);
      process.kill(workplace.resident.pid, 'SIGCONT');
    }
    const outcome = await running;
    workplace.control.disarm();
    restore();
    return await workplace.judge(name, false, outcome, { orElse: changed });
  } finally {
    restore();
  }
}
