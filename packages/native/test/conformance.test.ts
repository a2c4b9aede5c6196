import { openBackend } from '../lib/index.js';
import { describeBackend } from './describe-backend.js';

for (const name of ['cpu', 'reference']) describeBackend(name, () => openBackend(name));
