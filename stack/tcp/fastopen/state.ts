// TCP Fast Open state that a stack shares (RFC 7413): client cookies per server, server keys, black-hole pause.
import type { StackConfig } from '../../config/config.js';

export class FastOpenState {
  readonly config: StackConfig;

  constructor(config: StackConfig) {
    this.config = config;
  }
}
