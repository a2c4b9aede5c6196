import { afterEach, expect, it } from 'vitest';
import { Interruption } from '../src/run/interruption.js';

const before = { SIGINT: process.listeners('SIGINT'), SIGTERM: process.listeners('SIGTERM') };
afterEach(() => {
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    for (const listener of process.listeners(name)) {
      if (!before[name].includes(listener)) process.off(name, listener);
    }
  }
});

/** Tells the new listeners alone: those of the test runner would end it. */
function receive(name: NodeJS.Signals & ('SIGINT' | 'SIGTERM')): void {
  for (const listener of process.listeners(name)) if (!before[name].includes(listener)) listener(name);
}

it.each(['SIGINT', 'SIGTERM'] as const)('%s abandons a command that has nothing to finish', (name) => {
  const interruption = new Interruption();
  interruption.listen();
  receive(name);
  expect(interruption.signal.aborted).toBe(true);
  expect(interruption.outcome).toBeUndefined();
});

it.each(['SIGINT', 'SIGTERM'] as const)(
  '%s asks a task that can finish to do so, and abandons nothing',
  async (name) => {
    const interruption = new Interruption();
    interruption.listen();
    const stopped = await interruption.finishable(async (stop) => {
      receive(name);
      return stop.aborted;
    });
    expect([stopped, interruption.signal.aborted]).toEqual([true, false]);
    // What comes after knows that it was asked.
    expect(await interruption.finishable(async (stop) => stop.aborted)).toBe(true);
  },
);

it('a command whose task has finished is abandoned again', async () => {
  const interruption = new Interruption();
  interruption.listen();
  await interruption.finishable(async () => {});
  receive('SIGINT');
  expect(interruption.signal.aborted).toBe(true);
});
