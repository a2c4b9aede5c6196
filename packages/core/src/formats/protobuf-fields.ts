import protobuf from 'protobufjs/minimal.js';

const LENGTH_DELIMITED = 2;

/** A field of a protobuf message, as views of its bytes. */
export interface Field {
  readonly number: number;
  /** Tag and value. */
  readonly whole: Uint8Array;
  /** The value of a length-delimited field. */
  readonly payload: Uint8Array | undefined;
}

/** The fields of a protobuf message in their order. @throws Error where it is none */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  const reader = protobuf.Reader.create(message);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.tag();
    const wireType = tag & 7;
    const number = tag >>> 3;
    const payload = wireType === LENGTH_DELIMITED ? reader.bytes() : undefined;
    if (payload === undefined) reader.skipType(wireType, 0, number);
    yield { number, whole: message.subarray(start, reader.pos), payload };
  }
}

/** Tag and length of a length-delimited field. */
export function prefixOf(number: number, byteLength: number): Uint8Array {
  return protobuf.Writer.create()
    .uint32((number << 3) | LENGTH_DELIMITED)
    .uint32(byteLength)
    .finish();
}

/** Tag, length and value of a length-delimited field. */
export function delimited(number: number, payload: Uint8Array): [Uint8Array, Uint8Array] {
  return [prefixOf(number, payload.byteLength), payload];
}

/** Tag and value of a number of type int32, uint32 or enum. */
export function varintField(number: number, value: number): Uint8Array {
  return protobuf.Writer.create()
    .uint32(number << 3)
    .uint32(value)
    .finish();
}
