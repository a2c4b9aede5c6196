import type { Reader } from './reader.js';
import { ARRAY_READERS } from './readers/arrays.js';
import { DOCUMENT_READERS } from './readers/documents.js';
import { GRAPH_READER } from './readers/graph.js';
import { ONNX_READERS } from './readers/onnx.js';
import { ONNX_GRAPH_READER } from './readers/onnx-graph.js';
import { PYTORCH_READERS } from './readers/pytorch.js';
import { RECORD_READERS } from './readers/records.js';
import { REPORT_READER } from './readers/report.js';
import { SAFETENSORS_READERS } from './readers/safetensors.js';
import { STORE_READERS } from './readers/stores.js';

/** All readers of what RADIN does not trust, in the order of a run. */
export const READERS: readonly Reader[] = [
  ...ARRAY_READERS,
  ...SAFETENSORS_READERS,
  ...PYTORCH_READERS,
  ...ONNX_READERS,
  ONNX_GRAPH_READER,
  ...DOCUMENT_READERS,
  ...STORE_READERS,
  ...RECORD_READERS,
  REPORT_READER,
  GRAPH_READER,
];
