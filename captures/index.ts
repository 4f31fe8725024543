// Captures as a library: read, write, put TCP streams together, anonymise, replay into the stack, convert into scripts.

export { Anonymiser } from './anonymise.js';
export { type Converted, convertStream } from './convert/script.js';
export { CaptureError, type CaptureErrorCode } from './errors.js';
export { type Frame, isSnapped, microsecondsSince } from './frame.js';
export { networkOffset } from './layers/link.js';
export { readCapture, readCaptureStream } from './read/open.js';
export { collect } from './replay/recording.js';
export { replayStream } from './replay/verdict.js';
export { readStreams, StreamTable } from './streams/table.js';
export { CaptureFile } from './write/file.js';
