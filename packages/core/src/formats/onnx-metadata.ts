import { onnx } from '#onnx';
import type { OnnxParts } from './onnx-parts.js';
import { delimited, fieldsOf } from './protobuf-fields.js';

/** Field number of `onnx-ml.proto`. */
const MODEL_METADATA = 14;

/** Entries of `metadata_props` of a model; the last one of a key counts. */
export function onnxMetadata({ before, after }: Pick<OnnxParts, 'before' | 'after'>): ReadonlyMap<string, string> {
  return new Map(
    [...before, ...after].flatMap((whole) => {
      const entry = metadataEntry(whole);
      return entry === undefined ? [] : [[entry.key, entry.value] as const];
    }),
  );
}

/** The model's parts without these entries of `metadata_props`. */
export function withoutMetadata(parts: OnnxParts, replaced: ReadonlyMap<string, string>): OnnxParts {
  const keep = (whole: Uint8Array): boolean => {
    const entry = metadataEntry(whole);
    return entry === undefined || !replaced.has(entry.key);
  };
  return { ...parts, before: parts.before.filter(keep), after: parts.after.filter(keep) };
}

/** The fields that add entries to `metadata_props`. */
export function metadataFields(metadata: ReadonlyMap<string, string>): Uint8Array[] {
  return [...metadata].flatMap(([key, value]) =>
    delimited(MODEL_METADATA, onnx.StringStringEntryProto.encode({ key, value }).finish()),
  );
}

function metadataEntry(whole: Uint8Array): { readonly key: string; readonly value: string } | undefined {
  const [field] = fieldsOf(whole);
  if (field?.number !== MODEL_METADATA || field.payload === undefined) return undefined;
  return onnx.StringStringEntryProto.decode(field.payload);
}
