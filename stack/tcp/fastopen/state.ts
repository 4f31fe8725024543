// TCP Fast Open state that a stack shares (RFC 7413): client cookies per server (section 4.1.3), server keys (section 4.1.2),
// the pause after a black hole. Knows no connection.
import type { StackConfig } from '../../config/config.js';
import { sipHash, sipHigh, sipLow } from '../siphash.js';

/** tcp_fastopen bits. */
export const TFO_CLIENT_ENABLE = 1;
export const TFO_SERVER_ENABLE = 2;
export const TFO_CLIENT_NO_COOKIE = 4;
export const TFO_SERVER_COOKIE_NOT_REQD = 0x200;
export const TFO_SERVER_WO_SOCKOPT1 = 0x400;

const COOKIE_BYTES = 8;
const CACHE_LIMIT = 4096;

/** What a client remembers of one server. */
export interface CachedCookie {
  mss: number;
  cookie: Uint8Array;
  length: number;
  experimental: boolean;
  /** 1: try the experimental option next time, 2: it did not help either. */
  tryExperimental: number;
  synLosses: number;
}

export class FastOpenState {
  readonly config: StackConfig;
  private readonly cache = new Map<string, CachedCookie>();
  private keyText = '';
  private keys: Uint8Array | null = null;
  private readonly fallback: Uint8Array;
  /** Black-hole pause: when it began (µs) and how many times in a row. */
  disabledAt = 0;
  disabledTimes = 0;

  /** @param secret 16 secret bytes: the key while tcp_fastopen_key is not set */
  constructor(config: StackConfig, secret: Uint8Array = new Uint8Array(16)) {
    this.config = config;
    this.fallback = secret.slice(0, 16);
  }

  /** One or two keys of 16 bytes: tcp_fastopen_key (`a-b-c-d[,a-b-c-d]`, words in hex), or the secret. */
  serverKeys(): Uint8Array {
    const text = this.config.tcpFastopenKey;
    if (text !== this.keyText || this.keys === null) {
      this.keyText = text;
      this.keys = parseFastOpenKeys(text) ?? this.fallback;
    }
    return this.keys;
  }

  lookUp(local: Uint8Array, remote: Uint8Array): CachedCookie | null {
    return this.cache.get(cacheKey(local, remote)) ?? null;
  }

  /** The entry of a server, made if need be; the oldest entry goes when there are too many. */
  entry(local: Uint8Array, remote: Uint8Array): CachedCookie {
    const key = cacheKey(local, remote);
    let entry = this.cache.get(key);
    if (entry === undefined) {
      if (this.cache.size >= CACHE_LIMIT) this.cache.delete(this.cache.keys().next().value!);
      entry = {
        mss: 0,
        cookie: new Uint8Array(16),
        length: 0,
        experimental: false,
        tryExperimental: 0,
        synLosses: 0,
      };
      this.cache.set(key, entry);
    }
    return entry;
  }

  /** `ip tcp_metrics flush all`. */
  flush(): void {
    this.cache.clear();
  }

  /** Active fast open is paused after a black hole (tcp_fastopen_blackhole_timeout_sec, doubled up to 64 times). */
  clientPaused(now: number): boolean {
    const timeout = this.config.tcpFastopenBlackholeTimeoutSec;
    if (timeout === 0 || this.disabledTimes === 0) return false;
    const factor = 2 ** Math.min(this.disabledTimes - 1, 6);
    return now < this.disabledAt + factor * timeout * 1_000_000;
  }

  pauseClient(now: number): void {
    this.disabledAt = now;
    this.disabledTimes++;
  }
}

function cacheKey(local: Uint8Array, remote: Uint8Array): string {
  return `${local.join('.')}>${remote.join('.')}`;
}

/** Key bytes of the sysctl's text: little-endian words; null when it is not such a text. */
export function parseFastOpenKeys(text: string): Uint8Array | null {
  const parts = text.split(',');
  if (parts.length > 2) return null;
  const keys = new Uint8Array(16 * parts.length);
  for (let k = 0; k < parts.length; k++) {
    const words = /^([0-9a-fA-F]{1,8})-([0-9a-fA-F]{1,8})-([0-9a-fA-F]{1,8})-([0-9a-fA-F]{1,8})$/.exec(
      parts[k]!.trim(),
    );
    if (words === null) return null;
    for (let w = 0; w < 4; w++) {
      const value = Number.parseInt(words[w + 1]!, 16);
      for (let b = 0; b < 4; b++) keys[16 * k + 4 * w + b] = value >>> (8 * b);
    }
  }
  return keys;
}

const message = new Uint8Array(32);

/** Cookie of a client under key number `index`: SipHash-2-4 over source and destination address of its SYN. */
export function fastOpenCookie(
  keys: Uint8Array,
  index: number,
  client: Uint8Array,
  server: Uint8Array,
  ipv6: boolean,
  cookie: Uint8Array,
): number {
  const skip = ipv6 ? 0 : 12;
  const size = 16 - skip;
  for (let i = 0; i < size; i++) {
    message[i] = client[skip + i]!;
    message[size + i] = server[skip + i]!;
  }
  sipHash(keys, 16 * index, message, 2 * size);
  for (let i = 0; i < 4; i++) {
    cookie[i] = sipLow >>> (8 * i);
    cookie[4 + i] = sipHigh >>> (8 * i);
  }
  return COOKIE_BYTES;
}
