import type { Dtype } from './dtype.js';
import type { FileField } from './file-fields.js';

/** Numbers of a type that are stored as such, in `TensorProto`: the field, and the wire type of one by itself. */
const TYPED_DATA: Partial<Record<Dtype, { readonly number: number; readonly wireType: number }>> = {
  F32: { number: 4, wireType: 5 },
  F64: { number: 10, wireType: 1 },
  F16: { number: 5, wireType: 0 },
  BF16: { number: 5, wireType: 0 },
};

/** Whether a field of a tensor has numbers of that type as numbers, packed or by themselves. Others are none of its data. */
export function isTypedData({ number, wireType, isLengthDelimited }: FileField, dtype: Dtype): boolean {
  const typed = TYPED_DATA[dtype];
  return typed !== undefined && number === typed.number && (isLengthDelimited || wireType === typed.wireType);
}

/**
 * The bits of 16-bit floats, which `int32_data` has as numbers. Cost: the memory of the result, whatever the bytes say.
 * @param varints payloads of the fields, one after another
 * @returns undefined where they are not `count` numbers from 0 to 65535
 */
export function sixteenBits(varints: Uint8Array, count: number): Uint8Array | undefined {
  const bytes = new Uint8Array(2 * count);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (let index = 0; index < count; index++) {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = varints[at++];
      if (byte === undefined || shift > 63) return undefined;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    if (value > 0xffff) return undefined;
    view.setUint16(2 * index, value, true);
  }
  return at === varints.length ? bytes : undefined;
}
