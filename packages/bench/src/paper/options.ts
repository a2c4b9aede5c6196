import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { EXPORT_FORMATS, type ExportFormat } from '@radin/report';
import { integer, parsed, UsageError } from '../command-line.js';
import { budgetList, POOL_OPTIONS, poolOptions } from '../pool-options.js';

const EXAMPLE = fileURLToPath(new URL('../../../../examples/digits', import.meta.url));

export const PAPER_USAGE = `options of paper:
  --pool DIR           a pool, a folder with a radin.yaml (default: examples/digits)
  --budgets B,…        numbers of evaluations in Table 1 (default: 1,5,25)
  --seeds S            seeds of the candidates (default: 20)
  --candidates C       Monte-Carlo candidates of each seed (default: 200)
  --include-uniform    adds the uniform soup to the candidates, which the paper's evaluation leaves out
  --quick              3 seeds of 100 candidates
  --brute-force        the real scores of all 2^N − 1 subsets too (N ≤ 16); what was found is kept in the cache folder
  --out DIR            writes paper.json and the page report.html
  --format NAME,…      also writes each chart and table of the page into charts in that folder: some of svg, png, csv, json, md
  --no-report          writes no page
  --quiet              no progress and no notes
  --cache DIR          as for strategies (default: evaluations in the folder of --out)
  --threads T, --json FILE   as for strategies
  --save               writes packages/bench/results/paper-POOL.json, and the scores of all subsets where they are known
`;

/** Largest budget of Fig. 4. */
export const CURVE_BUDGET = 25;

/** What the experiment is to do; whoever asks for it has read the pool's files. */
export interface PaperChoices {
  readonly budgets: readonly number[];
  readonly seeds: number;
  readonly candidates: number;
  readonly includeUniform: boolean;
  readonly bruteForce: boolean;
  /** A folder that keeps evaluations for later runs. */
  readonly cache: string | undefined;
  readonly threads: number;
  /** Bytes that this process and the one that evaluates may take. No result depends on it. */
  readonly maxMemory?: number;
}

export interface PaperOptions extends PaperChoices {
  readonly command: 'paper';
  readonly pool: string;
  readonly out: string | undefined;
  readonly json: string | undefined;
  readonly report: boolean;
  readonly format: readonly ExportFormat[];
  readonly quiet: boolean;
  readonly save: boolean;
}

/** What is done where nothing else is asked for. */
export function defaultChoices(quick: boolean): { seeds: number; candidates: number } {
  return quick ? { seeds: 3, candidates: 100 } : { seeds: 20, candidates: 200 };
}

/** @throws UsageError */
export function paperOptions(args: readonly string[]): PaperOptions {
  const { values, positionals } = parsed(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...POOL_OPTIONS,
        budgets: { type: 'string', default: '1,5,25' },
        seeds: { type: 'string' },
        candidates: { type: 'string' },
        'include-uniform': { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        'brute-force': { type: 'boolean', default: false },
        out: { type: 'string' },
        format: { type: 'string' },
        'no-report': { type: 'boolean', default: false },
        quiet: { type: 'boolean', default: false },
        save: { type: 'boolean', default: false },
      },
    }),
  );
  const { out, save, quick, quiet } = values;
  const given = values.pool.length + positionals.length > 0;
  const { pools, cache, threads, json } = poolOptions(given ? values : { ...values, pool: [EXAMPLE] }, positionals);
  const [pool, ...others] = pools as [string, ...string[]];
  if (others.length > 0) throw new UsageError(`Expected one folder for --pool but found ${pools.length}`);
  const usual = defaultChoices(quick);
  const bruteForce = values['brute-force'];
  if (bruteForce && cache === undefined && out === undefined) {
    throw new UsageError('Expected --out or --cache with --brute-force but found neither: hours of work would be lost');
  }
  if (values.format !== undefined && out === undefined) {
    throw new UsageError('Expected --out with --format but found none: charts are written into that folder');
  }
  return {
    command: 'paper',
    pool,
    budgets: budgetList(values.budgets).sort((a, b) => a - b),
    seeds: values.seeds === undefined ? usual.seeds : integer(values.seeds, 1, 1000, '--seeds'),
    candidates:
      values.candidates === undefined ? usual.candidates : integer(values.candidates, 1, 10_000, '--candidates'),
    includeUniform: values['include-uniform'],
    bruteForce,
    cache: cache ?? (out === undefined ? undefined : `${out}/evaluations`),
    threads,
    out,
    json,
    report: !values['no-report'],
    format: values.format === undefined ? [] : formatList(values.format),
    quiet,
    save,
  };
}

function formatList(text: string): ExportFormat[] {
  return text.split(',').map((part) => {
    const format = EXPORT_FORMATS.find((name) => name === part.trim());
    if (format !== undefined) return format;
    throw new UsageError(
      `Expected some of ${EXPORT_FORMATS.join(', ')} for --format but found ${JSON.stringify(text)}`,
    );
  });
}
