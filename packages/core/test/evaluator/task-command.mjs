/**
 * An evaluator of linear models of any task as a user might write one, which shares nothing with the sources: weights `w` and `b` from
 * safetensors, inputs from `val_x.npy` or `test_x.npy` of the working folder, outputs of the shape given as `60,3,3` in float64.
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';

const [weightsPath, split, logitsPath, sizes] = process.argv.slice(2);
appendFileSync('runs', `${process.env.RADIN_MODEL}\n`);

const file = readFileSync(weightsPath);
const headerBytes = Number(file.readBigUInt64LE(0));
const header = JSON.parse(file.toString('utf8', 8, 8 + headerBytes));
const floats = (bytes) => Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(4 * at));
const tensor = (name) => {
  const [begin, end] = header[name].data_offsets;
  return floats(file.subarray(8 + headerBytes + begin, 8 + headerBytes + end));
};

const [w, b] = [tensor('w'), tensor('b')];
const npy = readFileSync(split === 'test' ? 'test_x.npy' : 'val_x.npy');
const inputs = floats(npy.subarray(10 + npy.readUInt16LE(8)));
const [width, features] = [b.length, w.length / b.length];
const outputs = Float64Array.from({ length: (inputs.length / features) * width }, (_, at) => {
  const [row, column] = [Math.floor(at / width), at % width];
  let sum = b[column];
  for (let d = 0; d < features; d++) sum += inputs[row * features + d] * w[d * width + column];
  return sum;
});
const head = `{'descr': '<f8', 'fortran_order': False, 'shape': (${sizes},), }`.padEnd(117);
const start = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${head}\n`, 'latin1');
start.writeUInt16LE(head.length + 1, 8);
writeFileSync(logitsPath, Buffer.concat([start, Buffer.from(outputs.buffer)]));
