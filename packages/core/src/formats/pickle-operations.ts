import { quote } from '../errors/index.js';
import { type Machine, refuseName } from './pickle-machine.js';
import { PickleFloat, PickleGlobal, type PickleValue, refuse } from './pickle-values.js';

const LONGEST_NUMBER = 255;
const NEWEST_PROTOCOL = 5;

/** Making an object of a class, in any of the ways that pickles have for it. */
function refuseInstance(of: PickleValue | undefined): never {
  refuseName(of instanceof PickleGlobal ? `an object of ${quote(of.name)}` : 'an object of a class');
}

type Operation = (machine: Machine) => void;

/** By their codes. Those that state dicts have no use for are missing, among them all of protocols 0 and 1 that are texts. */
export const OPERATIONS: readonly (Operation | undefined)[] = operations({
  128: ({ input }) => {
    const protocol = input.uint8();
    if (protocol < 2 || protocol > NEWEST_PROTOCOL) refuse(`protocol 2 to ${NEWEST_PROTOCOL}`, `${protocol}`);
  },
  149: ({ input }) => input.frame(input.uint64()),
  '(': (machine) => machine.mark(),
  '0': (machine) => {
    machine.pop();
  },
  '1': (machine) => {
    machine.popMarked();
  },
  '2': (machine) => machine.push(machine.top()),

  N: (machine) => machine.push(null),
  136: (machine) => machine.push(true),
  137: (machine) => machine.push(false),
  K: (machine) => machine.push(machine.input.uint8()),
  M: (machine) => machine.push(machine.input.uint16()),
  J: (machine) => machine.push(machine.input.int32()),
  G: (machine) => machine.pushNew(new PickleFloat(machine.input.float64())),
  138: (machine) => machine.pushNew(machine.input.long(machine.input.uint8())),
  139: (machine) => {
    const length = machine.input.int32();
    if (length < 0 || length > LONGEST_NUMBER) refuse(`numbers of at most ${LONGEST_NUMBER} bytes`, `${length}`);
    machine.pushNew(machine.input.long(length));
  },

  X: (machine) => machine.pushNew(machine.input.text(machine.input.uint32())),
  140: (machine) => machine.pushNew(machine.input.text(machine.input.uint8())),
  141: (machine) => machine.pushNew(machine.input.text(machine.input.uint64())),
  // Texts of Python 2.
  U: (machine) => machine.pushNew(machine.input.text(machine.input.uint8())),
  T: (machine) => machine.pushNew(machine.input.text(machine.input.uint32())),
  C: (machine) => machine.pushBytes(machine.input.uint8()),
  B: (machine) => machine.pushBytes(machine.input.uint32()),
  142: (machine) => machine.pushBytes(machine.input.uint64()),
  150: (machine) => machine.pushBytes(machine.input.uint64()),

  ')': (machine) => machine.pushTuple([]),
  133: (machine) => machine.pushTuple(machine.popLast(1)),
  134: (machine) => machine.pushTuple(machine.popLast(2)),
  135: (machine) => machine.pushTuple(machine.popLast(3)),
  t: (machine) => machine.pushTuple(machine.popMarked()),
  ']': (machine) => machine.pushList([]),
  l: (machine) => machine.pushList(machine.popMarked()),
  a: (machine) => machine.append(machine.popLast(1)),
  e: (machine) => machine.append(machine.popMarked()),
  143: (machine) => machine.pushList([]),
  144: (machine) => machine.append(machine.popMarked()),
  145: (machine) => machine.pushList(machine.popMarked()),
  '}': (machine) => machine.pushDict([]),
  d: (machine) => machine.pushDict(machine.popMarked()),
  s: (machine) => machine.setItems(machine.popLast(2)),
  u: (machine) => machine.setItems(machine.popMarked()),

  h: (machine) => machine.recall(machine.input.uint8()),
  j: (machine) => machine.recall(machine.input.uint32()),
  q: (machine) => machine.remember(machine.input.uint8()),
  r: (machine) => machine.remember(machine.input.uint32()),
  148: (machine) => machine.remember(machine.memo.length),

  c: (machine) => machine.pushGlobal(`${machine.input.line()}.${machine.input.line()}`),
  147: (machine) => {
    const names = machine.popLast(2);
    if (!names.every((name) => typeof name === 'string')) refuse('the name of a global', 'something else');
    machine.pushGlobal(names.join('.'));
  },
  Q: (machine) => machine.pushNew(machine.vocabulary.persistent(machine.pop())),
  R: (machine) => machine.reduce(),
  b: (machine) => machine.build(),
  i: (machine) => refuseInstance(machine.global(`${machine.input.line()}.${machine.input.line()}`)),
  o: (machine) => refuseInstance(machine.popMarked()[0]),
  129: (machine) => refuseInstance(machine.popLast(2)[0]),
  146: (machine) => refuseInstance(machine.popLast(3)[0]),
});

/** @param named operations by their code, or by the character that it is in ASCII */
function operations(named: Readonly<Record<string | number, Operation>>): readonly (Operation | undefined)[] {
  const table: (Operation | undefined)[] = Array(256).fill(undefined);
  for (const [name, operation] of Object.entries(named)) {
    table[name.length === 1 ? name.charCodeAt(0) : Number(name)] = operation;
  }
  return table;
}
