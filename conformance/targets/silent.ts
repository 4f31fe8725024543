// A target that never sends a packet. Every script that says anything fails on it.

import { HollowTarget } from './hollow.js';

export class SilentTarget extends HollowTarget {
  override readonly name = 'silent';
}
