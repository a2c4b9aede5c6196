import './cuda-on-host.js';
import { openBackend } from '../lib/index.js';
import { describeBackend } from './describe-backend.js';
import { SLOWNESS } from './slowness.js';

// Nothing stops a launch, which is as large as suits a GPU and takes one thread of a processor far longer.
describeBackend('cuda', () => openBackend('cuda'), 40 * SLOWNESS);
