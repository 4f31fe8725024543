// The packet pool's error: its own file so that pool and party may both throw it.

export class PoolError extends Error {
  readonly code: 'POOL_BAD' | 'POOL_EXHAUSTED' | 'PARTY_TAKEN' | 'DOUBLE_RELEASE' | 'USE_AFTER_RELEASE';
  constructor(code: PoolError['code'], message: string) {
    super(message);
    this.name = 'PoolError';
    this.code = code;
  }
}
