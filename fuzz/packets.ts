// Building and reading packets independently of stack/wire, so that a mistake there is not made twice: the fuzzers'
// peer speaks with these. Plain and slow. Addresses are 4 or 16 bytes as on the wire.

export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;
export const URG = 32;

/** The Internet checksum of RFC 1071, by its definition. */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) sum += (part[i] << 8) | (part[i + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

const u16 = (v: number): number[] => [(v >>> 8) & 0xff, v & 0xff];
const u32 = (v: number): number[] => [(v >>> 24) & 0xff, (v >>> 16) & 0xff, (v >>> 8) & 0xff, v & 0xff];
const get16 = (b: Uint8Array, o: number): number => (b[o] << 8) | b[o + 1];
const get32 = (b: Uint8Array, o: number): number => get16(b, o) * 0x10000 + get16(b, o + 2);

/** A part of even length followed by others: the pseudo-header of IPv4 or IPv6. */
export function pseudoHeader(src: Uint8Array, dst: Uint8Array, protocol: number, length: number): Uint8Array {
  return Uint8Array.from([...src, ...dst, ...u32(length), 0, 0, 0, protocol]);
}

export interface IpFields {
  readonly src: Uint8Array;
  readonly dst: Uint8Array;
  readonly protocol: number;
  readonly payload: Uint8Array;
  readonly ttl?: number;
  readonly tos?: number;
  readonly id?: number;
  /** IPv4: the fragment word. IPv6: a fragment header with this offset (bytes) and M bit. */
  readonly fragment?: { readonly offset: number; readonly more: boolean };
  readonly dontFragment?: boolean;
  /** IPv4 options, padded with zeros (end of options) to a multiple of four. */
  readonly options?: readonly number[];
  /** IPv6 extension headers in front of the fragment header: type, and what lies behind its first two bytes. */
  readonly extensions?: readonly Extension[];
}

export interface Extension {
  readonly type: number;
  /** Padded with zeros to a whole number of eights with the two bytes before it. */
  readonly body: readonly number[];
}

function extensionChain(list: readonly Extension[], last: number): number[] {
  return list.flatMap(({ body }, i) => {
    const padded = [...body, ...new Array<number>((8 - ((body.length + 2) & 7)) & 7).fill(0)];
    return [list[i + 1]?.type ?? last, (padded.length + 2 - 8) >>> 3, ...padded];
  });
}

export function buildIp(f: IpFields): Uint8Array {
  const { src, dst, protocol, payload, ttl = 64, tos = 0, id = 0, fragment } = f;
  if (src.length === 4) {
    const word = fragment
      ? (fragment.offset >>> 3) | (fragment.more ? 0x2000 : 0)
      : f.dontFragment === false
        ? 0
        : 0x4000;
    const options = [...(f.options ?? [])];
    while (options.length & 3) options.push(0);
    const head = [
      0x45 + options.length / 4,
      tos,
      ...u16(20 + options.length + payload.length),
      ...u16(id),
      ...u16(word),
      ttl,
      protocol,
      0,
      0,
      ...src,
      ...dst,
      ...options,
    ];
    const sum = internetChecksum(Uint8Array.from(head));
    head[10] = sum >>> 8;
    head[11] = sum & 0xff;
    return join(head, payload);
  }
  const cut = fragment
    ? [protocol, 0, ...u16((fragment.offset & 0xfff8) | (fragment.more ? 1 : 0)), ...u32(id)]
    : [];
  const first = fragment ? 44 : protocol;
  const { extensions = [] } = f;
  const extra = [...extensionChain(extensions, first), ...cut];
  const head = [
    0x60 | (tos >>> 4),
    (tos & 15) << 4,
    0,
    0,
    ...u16(extra.length + payload.length),
    extensions[0]?.type ?? first,
    ttl,
    ...src,
    ...dst,
    ...extra,
  ];
  return join(head, payload);
}

function join(head: readonly number[], tail: Uint8Array): Uint8Array {
  const out = new Uint8Array(head.length + tail.length);
  out.set(head);
  out.set(tail, head.length);
  return out;
}

export interface TcpFields {
  readonly srcPort: number;
  readonly dstPort: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly urgent?: number;
  /** Padded with zeros (end of options) to a multiple of four. */
  readonly options?: readonly number[];
  readonly payload?: Uint8Array;
}

export function buildTcp(src: Uint8Array, dst: Uint8Array, f: TcpFields): Uint8Array {
  const options = [...(f.options ?? [])];
  while (options.length & 3) options.push(0);
  const head = [
    ...u16(f.srcPort),
    ...u16(f.dstPort),
    ...u32(f.seq),
    ...u32(f.ack),
    ((20 + options.length) << 2) | ((f.flags >>> 8) & 1),
    f.flags & 0xff,
    ...u16(f.window),
    0,
    0,
    ...u16(f.urgent ?? 0),
    ...options,
  ];
  const segment = join(head, f.payload ?? new Uint8Array(0));
  const sum = internetChecksum(pseudoHeader(src, dst, 6, segment.length), segment);
  segment[16] = sum >>> 8;
  segment[17] = sum & 0xff;
  return segment;
}

export function buildUdp(
  src: Uint8Array,
  dst: Uint8Array,
  from: number,
  to: number,
  payload: Uint8Array,
): Uint8Array {
  const datagram = join([...u16(from), ...u16(to), ...u16(8 + payload.length), 0, 0], payload);
  const sum = internetChecksum(pseudoHeader(src, dst, 17, datagram.length), datagram) || 0xffff;
  datagram[6] = sum >>> 8;
  datagram[7] = sum & 0xff;
  return datagram;
}

/** An ICMP message of either version: type, code, four bytes, the rest. */
export function buildIcmp(
  src: Uint8Array,
  dst: Uint8Array,
  type: number,
  code: number,
  rest: number,
  payload: Uint8Array,
): Uint8Array {
  const message = join([type, code, 0, 0, ...u32(rest)], payload);
  const pseudo = src.length === 4 ? new Uint8Array(0) : pseudoHeader(src, dst, 58, message.length);
  const sum = internetChecksum(pseudo, message);
  message[2] = sum >>> 8;
  message[3] = sum & 0xff;
  return message;
}

/** What a packet says, and whether its checksums are right. */
export interface ReadPacket {
  readonly version: 4 | 6;
  readonly src: Uint8Array;
  readonly dst: Uint8Array;
  readonly protocol: number;
  readonly ttl: number;
  readonly tos: number;
  readonly id: number;
  readonly fragment: { readonly offset: number; readonly more: boolean } | undefined;
  readonly length: number;
  readonly payload: Uint8Array;
}

/** Reads an IP packet of our own stack. Returns what is wrong with it as a string. */
export function readIp(b: Uint8Array): ReadPacket | string {
  const version = b.length > 0 ? b[0] >>> 4 : 0;
  if (version === 4) {
    if (b.length < 20) return 'shorter than an IPv4 header';
    const head = (b[0] & 15) * 4;
    const length = get16(b, 2);
    if (head < 20 || head > length || length !== b.length)
      return `IPv4 lengths ${head}, ${length} of ${b.length}`;
    if (internetChecksum(b.subarray(0, head)) !== 0) return 'IPv4 header checksum';
    const word = get16(b, 6);
    const offset = (word & 0x1fff) * 8;
    const more = (word & 0x2000) !== 0;
    return {
      version,
      src: b.slice(12, 16),
      dst: b.slice(16, 20),
      protocol: b[9],
      ttl: b[8],
      tos: b[1],
      id: get16(b, 4),
      fragment: offset > 0 || more ? { offset, more } : undefined,
      length,
      payload: b.subarray(head),
    };
  }
  if (version !== 6) return `IP version ${version}`;
  if (b.length < 40) return 'shorter than an IPv6 header';
  if (40 + get16(b, 4) !== b.length) return `IPv6 payload length ${get16(b, 4)} in ${b.length} bytes`;
  let protocol = b[6];
  let at = 40;
  let fragment: ReadPacket['fragment'];
  let id = 0;
  if (protocol === 44) {
    const word = get16(b, 42);
    fragment = { offset: word & 0xfff8, more: (word & 1) !== 0 };
    protocol = b[40];
    id = get32(b, 44);
    at = 48;
  }
  const tos = ((b[0] & 15) << 4) | (b[1] >>> 4);
  const payload = b.subarray(at);
  return {
    version,
    src: b.slice(8, 24),
    dst: b.slice(24, 40),
    protocol,
    ttl: b[7],
    tos,
    id,
    fragment,
    length: b.length,
    payload,
  };
}

/** What lies behind the IPv6 extension headers that say their own length (RFC 8200); undefined when they do not fit. */
export function upperLayer({
  version,
  protocol,
  payload,
}: ReadPacket): Pick<ReadPacket, 'protocol' | 'payload'> | undefined {
  let [next, at] = [protocol, 0];
  while (version === 6 && (next === 0 || next === 43 || next === 60)) {
    if (at + 8 > payload.length) return undefined;
    next = payload[at];
    at += 8 + 8 * payload[at + 1];
  }
  return at > payload.length ? undefined : { protocol: next, payload: payload.subarray(at) };
}

/**
 * Whether every IPv6 option ends within its header (RFC 8200 section 4.2), in the headers from `protocol` on that say their
 * own length; a header that does not fit the packet is left to others.
 */
export function optionsFit({ version, protocol, payload }: ReadPacket): boolean {
  let [next, at] = [protocol, 0];
  while (version === 6 && (next === 0 || next === 43 || next === 60)) {
    const end = at + 8 + 8 * (payload[at + 1] ?? 0);
    if (end > payload.length) return true;
    let option = at + 2;
    // Pad1 alone has no length.
    while (next !== 43 && option < end) {
      if (payload[option] === 0) option++;
      else if (option + 1 === end) return false;
      else option += 2 + payload[option + 1];
    }
    if (next !== 43 && option > end) return false;
    next = payload[at];
    at = end;
  }
  return true;
}

export interface ReadTcp {
  readonly srcPort: number;
  readonly dstPort: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly payload: Uint8Array;
  readonly mss: number | undefined;
  readonly wscale: number | undefined;
  readonly sackPermitted: boolean;
  readonly timestamps: { readonly value: number; readonly echo: number } | undefined;
  readonly sack: readonly { readonly left: number; readonly right: number }[];
}

/** Reads a segment of our own stack; what is wrong with it as a string. */
export function readTcp(ip: ReadPacket): ReadTcp | string {
  const b = ip.payload;
  if (b.length < 20) return 'shorter than a TCP header';
  const head = (b[12] >>> 4) * 4;
  if (head < 20 || head > b.length) return `TCP data offset ${head} in ${b.length} bytes`;
  if (internetChecksum(pseudoHeader(ip.src, ip.dst, 6, b.length), b) !== 0) return 'TCP checksum';
  let mss: number | undefined;
  let wscale: number | undefined;
  let sackPermitted = false;
  let timestamps: ReadTcp['timestamps'];
  const sack: { left: number; right: number }[] = [];
  for (let at = 20; at < head; ) {
    const kind = b[at];
    if (kind === 0) break;
    if (kind === 1) {
      at++;
      continue;
    }
    const size = b[at + 1];
    if (at + 1 >= head || size < 2 || at + size > head) return `TCP option ${kind} of length ${size}`;
    if (kind === 2) mss = get16(b, at + 2);
    else if (kind === 3) wscale = b[at + 2];
    else if (kind === 4) sackPermitted = true;
    else if (kind === 8) timestamps = { value: get32(b, at + 2), echo: get32(b, at + 6) };
    else if (kind === 5)
      for (let i = 2; i + 8 <= size; i += 8)
        sack.push({ left: get32(b, at + i), right: get32(b, at + i + 4) });
    at += size;
  }
  return {
    srcPort: get16(b, 0),
    dstPort: get16(b, 2),
    seq: get32(b, 4),
    ack: get32(b, 8),
    flags: ((b[12] & 1) << 8) | b[13],
    window: get16(b, 14),
    payload: b.subarray(head),
    mss,
    wscale,
    sackPermitted,
    timestamps,
    sack,
  };
}
