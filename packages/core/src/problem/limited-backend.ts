import type { Backend } from '@radin/native';

/** The backend with so many bytes of work space for averages and Gram matrices, whose bits do not depend on it. */
export function limitedBackend(backend: Backend, memoryLimit: number): Backend {
  return {
    name: backend.name,
    openBank: (request, options) => backend.openBank(request, options),
    average: (request, options) => backend.average({ ...request, memoryLimit }, options),
    gram: (request, options) => backend.gram({ ...request, memoryLimit }, options),
    crossEntropy: (request, options) => backend.crossEntropy(request, options),
    predict: (request, options) => backend.predict(request, options),
    openCrossEntropyBank: (request, options) => backend.openCrossEntropyBank(request, options),
  };
}
