import type { Random } from '@radin/core';
import { below, of } from './choice.js';
import type { PickleProgram } from './pickle-program.js';
import { type Operation, op } from './pickle-writer.js';

const FORBIDDEN = [
  'os\nsystem',
  'posix\nsystem',
  'builtins\neval',
  'builtins\nexec',
  'builtins\ngetattr',
  '__builtin__\neval',
  'subprocess\nPopen',
  'torch.hub\nload',
  'torch\nload',
  'torch.serialization\nload',
  'collections\nOrderedDict.__init__',
  'torch._utils\n_rebuild_tensor_v2.__globals__',
  'torch.storage\n_load_from_bytes',
  'torch.nn.parameter\nParameter',
  'numpy.core.multiarray\nscalar',
];
/** The operations with a few left out, repeated, exchanged, moved, made into others, with other arguments or with forbidden names. */
export function pickleMutant(random: Random, { operations }: PickleProgram): Buffer {
  const list = [...operations];
  for (let left = below(random, 4); left > 0; left--) {
    const at = below(random, list.length);
    const operation = list[at] as Operation;
    switch (below(random, 9)) {
      case 0:
        list.splice(at, 1);
        break;
      case 1:
        list.splice(at, 0, operation);
        break;
      case 2:
        list.splice(below(random, list.length), 0, operation);
        break;
      case 3:
        list[at] = op(below(random, 256), operation.subarray(1));
        break;
      case 4:
        list.splice(
          at,
          0,
          op(of(random, [...'(012N)]}tlaedsuQRbo', 0x81, 0x85, 0x86, 0x87, 0x8f, 0x90, 0x91, 0x92, 0x93, 0x94])),
        );
        break;
      case 5:
        list.splice(at, 0, op(of(random, ['h', 'q']), Buffer.of(below(random, 40))));
        break;
      case 6:
        list.splice(at, 0, op(`${of(random, ['c', '(i'])}${of(random, FORBIDDEN)}\n`));
        break;
      case 7:
        list.splice(
          at,
          0,
          ...Array<Operation>(1 + below(random, 2000)).fill(op(of(random, ['0', '2', '(', ')', ']', 0x85]))),
        );
        break;
      default: {
        const bytes = Buffer.from(operation);
        if (bytes.length > 1) bytes[1 + below(random, bytes.length - 1)] = below(random, 256);
        list[at] = bytes;
      }
    }
  }
  return Buffer.concat(list);
}
