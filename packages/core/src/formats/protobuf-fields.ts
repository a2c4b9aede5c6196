import protobuf from 'protobufjs/minimal.js';

const LENGTH_DELIMITED = 2;

/** A field of a protobuf message. */
export interface Field {
  readonly number: number;
  /** Tag and value. */
  readonly whole: Uint8Array;
  /** The value of a length-delimited field. */
  readonly payload: Uint8Array | undefined;
}

/** The fields of a protobuf message in their order, as views of its bytes. */
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

/** Tag, length and value of a length-delimited field. */
export function delimited(number: number, payload: Uint8Array): [Uint8Array, Uint8Array] {
  const tag = (number << 3) | LENGTH_DELIMITED;
  return [protobuf.Writer.create().uint32(tag).uint32(payload.byteLength).finish(), payload];
}
