// Errors of capture files: each says where in the file, what stands there, and what was expected.

/** Stable codes of `CaptureError`. */
export type CaptureErrorCode =
  | 'UNKNOWN_MAGIC'
  | 'UNSUPPORTED_VERSION'
  | 'TRUNCATED_HEADER'
  | 'TRUNCATED_RECORD'
  | 'ABSURD_LENGTH'
  | 'BAD_BLOCK'
  | 'BAD_INTERFACE'
  | 'UNSUPPORTED_LINK_TYPE'
  | 'EMPTY_FILE'
  | 'READ_FAILED';

export class CaptureError extends Error {
  override readonly name = 'CaptureError';
  readonly code: CaptureErrorCode;
  /** Byte offset in the file, when known. */
  readonly offset: number | undefined;

  constructor(code: CaptureErrorCode, message: string, offset?: number) {
    super(offset === undefined ? message : `${message} (at byte ${offset})`);
    this.code = code;
    this.offset = offset;
  }
}
