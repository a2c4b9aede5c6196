export { fileError, isMachineFault, machineError } from './file-error.js';
export { escapeControls, quote } from './quote.js';
export { RadinError, type RadinErrorCode } from './radin-error.js';
