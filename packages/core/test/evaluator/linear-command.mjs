/**
 * An evaluator of linear models as a user might write one, which shares nothing with the sources: weights from safetensors, inputs
 * from `${split}_inputs.npy` of the working folder. `logits` writes them, `score` prints the accuracy; both append to the file `runs`.
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';

const [mode, weightsPath, split, logitsPath] = process.argv.slice(2);
appendFileSync('runs', `${process.env.RADIN_MODEL} ${process.env.RADIN_SLOT}\n`);

const file = readFileSync(weightsPath);
const headerBytes = Number(file.readBigUInt64LE(0));
const header = JSON.parse(file.toString('utf8', 8, 8 + headerBytes));
const tensor = (name) => {
  const [begin, end] = header[name].data_offsets;
  const bytes = file.subarray(8 + headerBytes + begin, 8 + headerBytes + end);
  return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(4 * at));
};
const array = (path, read, size) => {
  const npy = readFileSync(path);
  const data = npy.subarray(10 + npy.readUInt16LE(8));
  return Array.from({ length: data.length / size }, (_, at) => data[read](size * at));
};

const [w, b] = [tensor('w'), tensor('b')];
const name = split === 'test' ? 'test' : 'val';
const inputs = array(`${name}_inputs.npy`, 'readFloatLE', 4);
const labels = array(`${name}_labels.npy`, 'readInt32LE', 4);
const [features, classes] = [w.length / b.length, b.length];
const rows = labels.map((_, m) =>
  b.map((bias, c) =>
    w.reduce(
      (sum, weight, at) => (at % classes === c ? sum + weight * inputs[m * features + Math.floor(at / classes)] : sum),
      bias,
    ),
  ),
);
if (mode === 'score') {
  console.log('a line before the last');
  console.log(
    JSON.stringify({
      score: rows.filter((row, m) => row.indexOf(Math.max(...row)) === labels[m]).length / labels.length,
    }),
  );
} else {
  const head = `{'descr': '<f8', 'fortran_order': False, 'shape': (${rows.length}, ${classes}), }`.padEnd(117);
  const start = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${head}\n`, 'latin1');
  start.writeUInt16LE(head.length + 1, 8);
  writeFileSync(logitsPath, Buffer.concat([start, Buffer.from(Float64Array.from(rows.flat()).buffer)]));
}
