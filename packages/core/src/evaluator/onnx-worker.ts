/**
 * The thread that runs ONNX Runtime, whose calls block. One session with one thread each: results then depend on nothing
 * but weights and inputs, and several models run at once. Weights are fed as inputs from one buffer that is overwritten
 * for each model; the session is never made again.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, type Tensor } from 'onnxruntime-node';
import { isMachineFault, RadinError } from '../errors/index.js';
import { dtypeBytes } from '../formats/light.js';
import { toFloat32 } from '../logits/light.js';
import { expectedShape, fitsTask } from '../metric/index.js';
import { BatchInput, makeTensor } from './batch-input.js';
import {
  type JobMessage,
  NEXT_BATCH,
  STOP,
  type WorkerReply,
  type WorkerRequest,
  type WorkerSetup,
} from './protocol.js';
import { steadyMilliseconds, ThreadNote } from './thread-record.js';

/** One system call reads at most this much: Node refuses lengths of 2 GiB and more. */
const LARGEST_READ = 2 ** 30;

const setup = workerData as WorkerSetup;
const note = new ThreadNote(setup.record, setup.thread);
const arena = new ArrayBuffer(setup.weightBytes);
const weights = setup.weights.map(
  ({ name, dtype, shape, byteOffset, byteLength }) =>
    [name, makeTensor(dtype, arena, byteOffset, byteLength / dtypeBytes(dtype), shape)] as const,
);
const inputs = new Map<number, BatchInput>();
let loadedWeights = -1;

function reply(message: WorkerReply, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

function oneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
}

function loadWeights({ weights: path, weightsId }: JobMessage): void {
  if (loadedWeights === weightsId) return;
  loadedWeights = -1;
  const bytes = new Uint8Array(arena);
  const fd = openSync(path, 'r');
  try {
    for (let done = 0; done < bytes.byteLength; ) {
      const count = readSync(fd, bytes, done, Math.min(LARGEST_READ, bytes.byteLength - done), done);
      if (count === 0) throw new RangeError(`Expected ${bytes.byteLength} bytes of weights but found ${done}`);
      done += count;
    }
  } finally {
    closeSync(fd);
  }
  loadedWeights = weightsId;
}

/** @throws RangeError where the output's shape is not what the task asks for. */
function numbersPerSample(dims: readonly number[], rows: number, positions: number | undefined): number {
  const { task } = setup;
  if (dims[0] !== rows || !fitsTask(task, dims)) {
    const classes = task === 'multi-class' || task === 'token-classification' ? ' with at least 2 classes' : '';
    throw new RangeError(
      `Expected logits of shape ${expectedShape(task, rows)}${classes} but found [${dims.join(', ')}]`,
    );
  }
  if (positions !== undefined && dims[1] !== positions) {
    throw new RangeError(
      `Expected logits for ${positions} tokens of each sample, as there are labels, but found [${dims.join(', ')}]`,
    );
  }
  return dims.slice(1).reduce((product, size) => product * size, 1);
}

async function runBatch(session: InferenceSession, job: JobMessage, first: number): Promise<void> {
  const begun = steadyMilliseconds();
  const present = Math.min(job.batch, job.samples - first);
  const rows = job.fixed ? job.batch : present;
  const source = inputs.get(job.inputs) as BatchInput;
  const feeds = { ...Object.fromEntries(weights), ...source.read(job, first, rows) };
  const output = (await session.run(feeds, [setup.output]))[setup.output] as Tensor;
  const classes = numbersPerSample(output.dims, rows, source.positions);
  const dtype = ({ float32: 'F32', float16: 'F16', float64: 'F64' } as const)[output.type as 'float32'];
  if (dtype === undefined) throw new RangeError(`Expected logits of a floating-point type but found ${output.type}`);
  const data = output.data as Float32Array;
  const values = toFloat32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), dtype, 'the output').slice(
    0,
    present * classes,
  );
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const place = first + Math.floor(bad / classes);
    const message = `Expected finite logits but found ${values[bad]}, class ${bad % classes}`;
    reply({ kind: 'failed', job: job.id, place, code: 'EVALUATION', message });
    return;
  }
  const milliseconds = steadyMilliseconds() - begun;
  reply({ kind: 'batch', job: job.id, first, classes, values, milliseconds }, [values.buffer as ArrayBuffer]);
}

async function work(session: InferenceSession, job: JobMessage): Promise<void> {
  const control = new Int32Array(job.control);
  const turns = job.batches?.length ?? Math.ceil(job.samples / job.batch);
  while (Atomics.load(control, STOP) === 0) {
    const turn = Atomics.add(control, NEXT_BATCH, 1);
    if (turn >= turns) break;
    const first = (job.batches?.[turn] ?? turn) * job.batch;
    note.begin(job.id, first);
    try {
      loadWeights(job);
      await runBatch(session, job, first);
    } catch (error) {
      reply({ kind: 'failed', job: job.id, ...failureOf(error, first) });
    }
  }
  note.end();
  reply({ kind: 'left', job: job.id });
}

function failureOf(error: unknown, first: number) {
  // Of a file: no sample is at fault.
  if (error instanceof RadinError) return { place: undefined, code: error.code, message: error.message };
  const message =
    error instanceof RangeError ? error.message : `Expected ONNX Runtime to run the graph but found: ${oneLine(error)}`;
  return { place: first, code: 'EVALUATION', message } as const;
}

try {
  const session = await InferenceSession.create(setup.graph, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    // Warnings about the graph would be printed past the command line's own output; errors are thrown.
    logSeverityLevel: 4,
  });
  let busy: Promise<void> = Promise.resolve();
  parentPort?.on('message', (request: WorkerRequest) => {
    busy = busy.then(() => {
      if (request.kind === 'job') return work(session, request.job);
      inputs.set(request.inputs.id, new BatchInput(request.inputs, setup.inputs));
      return undefined;
    });
  });
  reply({ kind: 'ready' });
} catch (error) {
  reply({ kind: 'broken', message: oneLine(error), isMachineFault: isMachineFault(error) });
}
