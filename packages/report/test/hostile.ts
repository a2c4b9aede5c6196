import type { Cell, Column, Page } from '../src/index.js';

const SCRIPT = '</script><script>globalThis.taken = 1</script>';

/** Names that files and models may have, each shown as it is. */
export const HOSTILE_NAMES = [
  SCRIPT,
  '<img src=x onerror="globalThis.taken = 2">',
  ']]><!--<script>',
  '{{constructor.constructor("globalThis.taken = 3")()}}',
  "'); globalThis.taken = 4; //",
  'line\u2028separator\u2029',
  '\u202egnp.exe\u202c and after',
  `long-${'x'.repeat(300)}`,
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a name that looks like one.
  'datum["a.b"] \\ `${1}`',
  '&lt;b&gt; &amp; "quoted" \'twice\'',
];

/** Names of columns that a specification could take for paths, properties or expressions. */
const COLUMNS: Column[] = [
  { name: 'a.b[0]', title: HOSTILE_NAMES[1] as string, format: 'text' },
  { name: '__proto__', title: HOSTILE_NAMES[0] as string, format: 'number' },
  { name: 'constructor', title: 'with \'quotes" and \\', format: 'percent' },
  { name: 'it\'s "q" \\ it', title: '{{title}}', format: 'text' },
  { name: 'models', title: HOSTILE_NAMES[6] as string, format: 'text' },
];

/** A page whose every text is hostile, with a chart whose fields have hostile names. */
export function hostilePage(): Page {
  const rows = HOSTILE_NAMES.map((name, index): Cell[] => [
    name,
    index + 1,
    index / 20,
    name,
    HOSTILE_NAMES.slice(index).join('\n'),
  ]);
  const table = { id: 'names', title: SCRIPT, columns: COLUMNS, rows, note: SCRIPT };
  return {
    title: `${HOSTILE_NAMES[0]}${HOSTILE_NAMES[1]}`,
    subtitle: HOSTILE_NAMES.join(' '),
    sections: [
      {
        id: 'hostile',
        title: HOSTILE_NAMES[2] as string,
        blocks: [
          {
            kind: 'facts',
            facts: [{ label: SCRIPT, value: HOSTILE_NAMES[1] as string, note: HOSTILE_NAMES[6] as string }],
          },
          { kind: 'text', text: HOSTILE_NAMES.join('\n\n') },
          { kind: 'table', table: { ...table, id: 'table' } },
          {
            kind: 'chart',
            chart: {
              id: 'hostile',
              title: SCRIPT,
              description: HOSTILE_NAMES[1] as string,
              spec: {
                mark: 'bar',
                encoding: {
                  y: { field: 'a.b[0]', type: 'nominal', sort: null },
                  x: { field: '__proto__', type: 'quantitative' },
                  color: { field: 'it\'s "q" \\ it', type: 'nominal', legend: null },
                  opacity: { field: 'constructor', type: 'quantitative', scale: { range: [0.9, 1] }, legend: null },
                },
              },
              data: table,
              details: 'models',
            },
          },
        ],
      },
    ],
  };
}
