import { listBackends, openBackend } from '../lib/index.js';
import { describeBackend } from './describe-backend.js';

for (const { name, available } of listBackends()) {
  if (available) describeBackend(name, () => openBackend(name));
}
