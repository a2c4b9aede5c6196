/**
 * The thread that runs ONNX Runtime, whose calls block. One session with one thread each: results then depend on nothing
 * but weights and inputs, and several models run at once. Weights are fed as inputs from one buffer that is overwritten
 * for each model; the session is never made again.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { type Dtype, dtypeBytes } from '../formats/index.js';
import { toFloat32 } from '../logits/index.js';
import { expectedShape, fitsTask } from '../metric/index.js';
import { CLOSE, type JobMessage, NEXT_BATCH, STOP, type WorkerReply, type WorkerSetup } from './protocol.js';
import { tensorType, widen } from './tensor-types.js';

const setup = workerData as WorkerSetup;
const arena = new ArrayBuffer(setup.weightBytes);
const weights = setup.weights.map(
  ({ name, dtype, shape, byteOffset, byteLength }) =>
    [name, makeTensor(dtype, arena, byteOffset, byteLength / dtypeBytes(dtype), shape)] as const,
);
let loadedWeights = -1;

function makeTensor(
  dtype: Dtype,
  buffer: ArrayBuffer,
  byteOffset: number,
  length: number,
  shape: readonly number[],
): Tensor {
  const type = tensorType(dtype);
  if (type === undefined) throw new TypeError(`Expected a dtype of ONNX Runtime but received ${dtype}`);
  return new Tensor(type.ort, type.view(buffer, byteOffset, length) as Float32Array, shape);
}

function reply(message: WorkerReply, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

function oneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
}

/** Samples at the places [first, first + rows) of the job as the graph's input; rows past the last sample repeat it. */
function inputTensor({ inputs, order, samples }: JobMessage, first: number, rows: number): Tensor {
  const perSample = inputs.shape.slice(1).reduce((product, size) => product * size, 1);
  const stored = (inputs.shape[0] as number) * perSample;
  const source = tensorType(inputs.dtype)?.view(inputs.bytes, 0, stored) as Float32Array;
  const { dtype } = setup.input;
  const length = rows * perSample;
  const buffer = new ArrayBuffer(length * dtypeBytes(dtype));
  const target = tensorType(dtype)?.view(buffer, 0, length) as Float32Array;
  const present = Math.min(rows, samples - first);
  const copy = (sample: number, row: number, count: number) =>
    widen(
      source.subarray(sample * perSample, (sample + count) * perSample),
      inputs.dtype,
      target.subarray(row * perSample, (row + count) * perSample),
      dtype,
    );
  if (order === undefined) copy(first, 0, present);
  else for (let row = 0; row < present; row++) copy(order[first + row] as number, row, 1);
  for (let row = present; row < rows; row++) {
    target.copyWithin(row * perSample, (present - 1) * perSample, present * perSample);
  }
  return makeTensor(dtype, buffer, 0, length, [rows, ...inputs.shape.slice(1)]);
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
  const present = Math.min(job.batch, job.samples - first);
  const rows = job.fixed ? job.batch : present;
  const feeds = { ...Object.fromEntries(weights), [setup.input.name]: inputTensor(job, first, rows) };
  const output = (await session.run(feeds, [setup.output]))[setup.output] as Tensor;
  const classes = numbersPerSample(output.dims, rows, job.inputs.positions);
  const dtype = ({ float32: 'F32', float16: 'F16', float64: 'F64' } as const)[output.type as 'float32'];
  if (dtype === undefined) throw new RangeError(`Expected logits of a floating-point type but found ${output.type}`);
  const data = output.data as Float32Array;
  const values = toFloat32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), dtype, 'the output').slice(
    0,
    present * classes,
  );
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    reply({
      kind: 'failed',
      job: job.id,
      place: first + Math.floor(bad / classes),
      message: `Expected finite logits but found ${values[bad]}, class ${bad % classes}`,
    });
    return;
  }
  reply({ kind: 'batch', job: job.id, first, classes, values }, [values.buffer as ArrayBuffer]);
}

async function work(session: InferenceSession, job: JobMessage): Promise<void> {
  const control = new Int32Array(job.control);
  if (loadedWeights !== job.weightsId) {
    new Uint8Array(arena).set(new Uint8Array(job.weights, 0, arena.byteLength));
    loadedWeights = job.weightsId;
  }
  while (Atomics.load(control, STOP) === 0) {
    const first = Atomics.add(control, NEXT_BATCH, 1) * job.batch;
    if (first >= job.samples) break;
    try {
      await runBatch(session, job, first);
    } catch (error) {
      const message =
        error instanceof RangeError
          ? error.message
          : `Expected ONNX Runtime to run the graph but found: ${oneLine(error)}`;
      reply({ kind: 'failed', job: job.id, place: first, message });
    }
  }
  reply({ kind: 'left', job: job.id });
}

/** The thread ends by itself: one that is terminated inside ONNX Runtime takes the whole process with it. */
async function close(session: InferenceSession): Promise<void> {
  await session.release();
  parentPort?.close();
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
  parentPort?.on('message', (message: JobMessage | typeof CLOSE) => {
    busy = busy.then(() => (message === CLOSE ? close(session) : work(session, message)));
  });
  reply({ kind: 'ready' });
} catch (error) {
  reply({ kind: 'broken', message: oneLine(error) });
}
