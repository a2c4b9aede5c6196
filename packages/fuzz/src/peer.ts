import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { PeerName, ReadTensor } from './reader.js';

const PROGRAM = fileURLToPath(new URL('../src/peer.py', import.meta.url));

interface Answer {
  readonly tensors?: readonly ReadTensor[];
  readonly refused?: string;
  readonly skipped?: string;
}

/** Another program that reads the same files: NumPy, PyTorch or ONNX in Python. */
export class Peer {
  readonly #answers: AsyncIterator<string>;

  private constructor(readonly child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** Undefined where this machine has none. */
  static async start(name: PeerName): Promise<Peer | undefined> {
    const python = ['python3', '/usr/bin/python3'].find(
      (command) => spawnSync(command, ['-c', `import numpy, ${name}`], { stdio: 'ignore' }).status === 0,
    );
    if (python === undefined) return undefined;
    const peer = new Peer(spawn(python, [PROGRAM, name], { stdio: ['pipe', 'pipe', 'ignore'] }));
    await peer.#answers.next();
    return peer;
  }

  async read(path: string): Promise<Answer> {
    this.child.stdin.write(`${JSON.stringify(path)}\n`);
    const { value, done } = await this.#answers.next();
    return done ? { refused: 'the end of the program' } : (JSON.parse(value) as Answer);
  }

  stop(): void {
    this.child.kill();
  }
}

/** What differs between what both read, in words; undefined where nothing does. */
export function difference(ours: readonly ReadTensor[], theirs: readonly ReadTensor[]): string | undefined {
  const text = ({ name, dtype, shape, sha256 }: ReadTensor) => JSON.stringify([name, dtype, shape, sha256]);
  const [a, b] = [ours, theirs].map((tensors) => tensors.map(text).sort());
  if (JSON.stringify(a) === JSON.stringify(b)) return undefined;
  return `${a?.join(' ')} and not ${b?.join(' ')}`.slice(0, 2000);
}
