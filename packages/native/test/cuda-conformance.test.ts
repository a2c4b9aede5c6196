import './cuda-on-host.js';
import { openBackend } from '../lib/index.js';
import { describeBackend } from './describe-backend.js';

describeBackend('cuda', () => openBackend('cuda'));
