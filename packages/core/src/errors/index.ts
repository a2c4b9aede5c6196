export { fileError } from './file-error.js';
export { quote } from './quote.js';
export { RadinError, type RadinErrorCode } from './radin-error.js';
