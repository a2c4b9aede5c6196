import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  type Checkpoint,
  formatScore,
  isHubReference,
  type Logits,
  metricTitle,
  modelFile,
  modelId,
  RadinError,
  type SplitScorer,
  scoringReport,
  writeNpy,
} from '@radin/core';
import { type Command, Option } from 'commander';
import { type PoolOptions, withPoolOptions } from '../options/options.js';
import { checkNoInput, checkWritable } from '../output/output-folder.js';
import { expandModels } from '../pool/expand.js';
import { inputPaths } from '../pool/input-paths.js';
import { resolvePool } from '../pool/pool-files.js';
import { type CommandContext, withProblem } from '../run/run-context.js';

interface EvaluateOptions extends PoolOptions {
  readonly split: 'validation' | 'test';
  readonly saveLogits?: string;
}

export function addEvaluate(command: Command, context: CommandContext): void {
  command
    .argument('<pool>', 'folder with a radin.yaml, or that file')
    .argument(
      '<model>',
      'a checkpoint, .safetensors, .pt, .pth, .bin or .onnx, an index of shards or a folder with one of these, a model on the Hub (hf://), or the id of a model of the pool',
    )
    .addOption(
      new Option('--split <name>', 'the data to evaluate on').choices(['validation', 'test']).default('validation'),
    )
    .option(
      '--save-logits <file>',
      'write the logits as .npy, float32 [samples, classes] or as the task has them, as `radin score` reads them',
    );
  withPoolOptions(command)
    .addHelpText('after', '\nExample:\n  radin evaluate examples/digits radin-out/soup.safetensors --split test')
    .action((pool: string, model: string, options: EvaluateOptions) => evaluate(pool, model, options, context));
}

async function evaluate(
  pool: string,
  model: string,
  options: EvaluateOptions,
  { signal, print, printJson }: CommandContext,
): Promise<void> {
  if (options.saveLogits !== undefined) await checkWritable(dirname(options.saveLogits));
  // Given logits are those of the pool's models, and this is to evaluate one.
  const ungiven = { ...options, signal, valLogits: false, testLogits: false } as const;
  const path = existsSync(model) ? await modelFile(model) : await pathOfName(pool, model, ungiven);
  const { split, saveLogits, json } = options;
  // Only then can it be in the place of a file that the pool names.
  if (saveLogits !== undefined && existsSync(saveLogits)) {
    const { files } = await resolvePool(pool, ungiven);
    await checkNoInput(saveLogits, [path, ...inputPaths(files)], '--save-logits');
  }
  const evaluateOne = { ...ungiven, only: path };
  await withProblem(
    pool,
    evaluateOne,
    async ({ problem, terminal, options: { metric } }) => {
      const scorer = split === 'test' ? await problem.openTest() : problem.validation;
      if (scorer === undefined) throw new RangeError('Expected the split to be opened');
      const onProgress = (done: number) => terminal.onProgress({ phase: 'evaluate', done, total: 1 });
      const [checkpoint] = problem.pool.checkpoints as readonly [Checkpoint];
      const { logits, score, reused } = await scorer.evaluate(checkpoint, { signal, onProgress });
      terminal.finish();
      if (saveLogits !== undefined) await writeLogits(saveLogits, logits, scorer);
      const { samples } = scorer;
      const correct = metric.measure.kind === 'top' && logits ? Math.round(score * samples) : undefined;
      const report = {
        model: checkpoint.id,
        split,
        samples,
        metric: metric.name,
        ...scoringReport(metric),
        score,
        ...(correct !== undefined && { correct }),
        reused,
      };
      const counted = correct === undefined ? '' : ` (${correct} of ${samples})`;
      if (json) printJson(report);
      else
        print(
          `${checkpoint.id}   ${split} ${metricTitle(metric)} ${formatScore(score, metric)}${counted}${reused ? '   (logits remembered)' : ''}`,
        );
    },
    { splits: [split] },
  );
}

async function writeLogits(path: string, logits: Logits | undefined, scorer: SplitScorer): Promise<void> {
  if (logits === undefined) {
    throw new RadinError('EVALUATION', `Expected logits to write to ${path} but found only a score from the evaluator`);
  }
  const { values } = logits;
  await writeNpy(
    path,
    'F32',
    scorer.outputShape(logits),
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  );
}

async function pathOfName(pool: string, id: string, options: PoolOptions): Promise<string> {
  if (isHubReference(id)) return (await expandModels([id], '.', 'argument', options))[0] as string;
  const { files } = await resolvePool(pool, options);
  const path = files.models.find((candidate) => modelId(candidate) === id);
  if (path !== undefined) return path;
  throw new RadinError('FILE', `Expected a checkpoint or the id of a model of ${pool} but found neither at ${id}`);
}
