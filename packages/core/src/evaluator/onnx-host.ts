/**
 * The process that evaluates: threads with ONNX Runtime, and who works on what. It lives as long as the process that started
 * it, and is killed by that one where a graph takes too long or too much. This thread never runs a graph, so it always hears.
 */
import { writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { isMachineFault } from '../errors/index.js';
import { HostJob } from './host-job.js';
import type {
  ProcessReply,
  ProcessRequest,
  ProcessSetup,
  WorkerReply,
  WorkerRequest,
  WorkerSetup,
} from './protocol.js';

/** At once, whatever the threads are in: an ordinary exit waits for native calls. */
function end(): void {
  process.kill(process.pid, 'SIGKILL');
}

process.on('disconnect', end);
if (!process.connected) end();

/** Where memory ends, this process goes and not the user's. */
function offerToOutOfMemoryKiller(): void {
  try {
    if (process.platform === 'linux') writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // Where the system does not let us, nothing is lost but this.
  }
}

const idle: Worker[] = [];
const workers: Worker[] = [];
/** Jobs under way, oldest first. */
const jobs = new Map<number, HostJob>();

function send(reply: ProcessReply): void {
  process.send?.(reply);
}

/** Gives every idle thread the oldest job that no thread has begun, else helps to finish the oldest. */
function dispatch(): void {
  while (idle.length > 0) {
    const open = [...jobs.values()].filter((job) => job.unclaimed);
    const job = open.find(({ threads }) => threads === 0) ?? open[0];
    if (job === undefined) return;
    job.threads++;
    idle.pop()?.postMessage({ kind: 'job', job: job.message } satisfies WorkerRequest);
  }
}

function finishIfLeft(job: HostJob): void {
  if (job.threads > 0 || job.unclaimed) return;
  jobs.delete(job.message.id);
  send({ kind: 'left', job: job.message.id });
}

function receive(worker: Worker, reply: WorkerReply): void {
  switch (reply.kind) {
    case 'ready':
      idle.push(worker);
      if (idle.length === workers.length) send(reply);
      return;
    case 'left': {
      const job = jobs.get(reply.job) as HostJob;
      job.threads--;
      idle.push(worker);
      finishIfLeft(job);
      dispatch();
      return;
    }
    case 'failed':
      // Batches are claimed in order and each claimed one is finished, so the first sample is the same in every run.
      jobs.get(reply.job)?.stop();
      send(reply);
      return;
    default:
      send(reply);
  }
}

function start(setup: ProcessSetup): void {
  // A view of the message would be cloned with all of it.
  const graph = setup.graph.slice();
  for (let thread = 0; thread < setup.threads; thread++) {
    const workerData: WorkerSetup = { ...setup, graph, thread };
    const worker = new Worker(new URL('./onnx-worker.js', import.meta.url), { workerData });
    workers.push(worker);
    worker.on('message', (reply: WorkerReply) => receive(worker, reply));
    worker.on('error', (error) =>
      send({ kind: 'broken', message: error.message, isMachineFault: isMachineFault(error) }),
    );
    worker.on('exit', () => end());
  }
}

process.on('message', (request: ProcessRequest) => {
  switch (request.kind) {
    case 'setup':
      start(request.setup);
      return;
    case 'inputs':
      for (const worker of workers) worker.postMessage(request satisfies WorkerRequest);
      return;
    case 'job':
      jobs.set(request.job.id, new HostJob(request.job));
      dispatch();
      return;
    case 'stop': {
      const job = jobs.get(request.job);
      job?.stop();
      if (job !== undefined) finishIfLeft(job);
    }
  }
});

offerToOutOfMemoryKiller();
