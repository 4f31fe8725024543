// DHCP messages (RFC 2131 section 2, options of RFC 2132): a client's are written, a server's read. IPv4 addresses are
// 16-byte mapped ones outside the message. Everything from the wire is checked before it is believed; knows no states.
import { isIpv4, isLimitedBroadcast, isLoopback, isMulticast, mapIpv4 } from '../wire/address.js';
import { equalBytes, getU16, getU32, setU16, setU32 } from '../wire/bytes.js';

export const DHCP_CLIENT_PORT = 68;
export const DHCP_SERVER_PORT = 67;

export const DHCP_DISCOVER = 1;
export const DHCP_OFFER = 2;
export const DHCP_REQUEST = 3;
export const DHCP_DECLINE = 4;
export const DHCP_ACK = 5;
export const DHCP_NAK = 6;
export const DHCP_RELEASE = 7;

const OFF_XID = 4;
const OFF_SECS = 8;
const OFF_FLAGS = 10;
const OFF_CIADDR = 12;
const OFF_YIADDR = 16;
const OFF_CHADDR = 28;
const OFF_SNAME = 44;
const OFF_FILE = 108;
const OFF_COOKIE = 236;
const OFF_OPTIONS = 240;
const COOKIE = 0x6382_5363;
/** Servers answer by broadcast: without an address unicasts would not be taken (section 4.1). */
const FLAG_BROADCAST = 0x8000;
const BOOTREQUEST = 1;
const BOOTREPLY = 2;
const ETHERNET = 1;
/** Least size that old BOOTP relays pass on (RFC 1542 section 2.1). */
const LEAST = 300;
/** Largest message that we take, and say so: what fits an Ethernet frame. */
const MAX_MESSAGE = 1472;

const OPT_PAD = 0;
const OPT_SUBNET_MASK = 1;
const OPT_ROUTER = 3;
const OPT_DNS = 6;
const OPT_DOMAIN = 15;
const OPT_MTU = 26;
const OPT_REQUESTED = 50;
const OPT_LEASE = 51;
const OPT_OVERLOAD = 52;
const OPT_TYPE = 53;
const OPT_SERVER = 54;
const OPT_PARAMETERS = 55;
const OPT_MAX_SIZE = 57;
const OPT_T1 = 58;
const OPT_T2 = 59;
const OPT_CLIENT = 61;
const OPT_END = 255;
const REQUESTED_PARAMETERS = [
  OPT_SUBNET_MASK,
  OPT_ROUTER,
  OPT_DNS,
  OPT_DOMAIN,
  OPT_MTU,
  OPT_LEASE,
  OPT_T1,
  OPT_T2,
];
/** Servers and routers kept of one message. */
const MAX_ADDRESSES = 8;

/** What a client says. Addresses are mapped; null: left out. */
export interface ClientMessage {
  type: number;
  xid: number;
  /** Seconds since the client began. */
  seconds: number;
  hardware: Uint8Array;
  /** The client's own, once it has one. */
  client: Uint8Array | null;
  requested: Uint8Array | null;
  server: Uint8Array | null;
}

/** Writes `message` to `b[o]`, which has room for 300 bytes; returns its length. */
export function writeDhcp(b: Uint8Array, o: number, message: ClientMessage): number {
  b.fill(0, o, o + LEAST);
  b[o] = BOOTREQUEST;
  b[o + 1] = ETHERNET;
  b[o + 2] = 6;
  setU32(b, o + OFF_XID, message.xid);
  setU16(b, o + OFF_SECS, Math.min(message.seconds, 0xffff));
  if (message.client === null) setU16(b, o + OFF_FLAGS, FLAG_BROADCAST);
  else b.set(message.client.subarray(12), o + OFF_CIADDR);
  b.set(message.hardware, o + OFF_CHADDR);
  setU32(b, o + OFF_COOKIE, COOKIE);
  let at = o + OFF_OPTIONS;
  const option = (code: number, ...value: number[]): void => {
    b.set([code, value.length, ...value], at);
    at += 2 + value.length;
  };
  option(OPT_TYPE, message.type);
  option(OPT_CLIENT, ETHERNET, ...message.hardware);
  if (message.requested !== null) option(OPT_REQUESTED, ...message.requested.subarray(12));
  if (message.server !== null) option(OPT_SERVER, ...message.server.subarray(12));
  if (message.type === DHCP_DISCOVER || message.type === DHCP_REQUEST) {
    option(OPT_MAX_SIZE, MAX_MESSAGE >> 8, MAX_MESSAGE & 255);
    option(OPT_PARAMETERS, ...REQUESTED_PARAMETERS);
  }
  b[at++] = OPT_END;
  return Math.max(LEAST, at - o);
}

/** What a server says, as far as a client looks. */
export interface ServerMessage {
  type: number;
  xid: number;
  /** The address that is offered or given; the server's identifier (null: none). */
  yours: Uint8Array;
  server: Uint8Array | null;
  /** Prefix length; 32 when no mask was given or it is none. */
  prefix: number;
  routers: Uint8Array[];
  dnsServers: Uint8Array[];
  domain: string;
  /** 0: not said. */
  mtu: number;
  /** Seconds; Infinity for ever, 0: not said. */
  lease: number;
  t1: number;
  t2: number;
}

/** Reads a reply to the client with `hardware`; null for whatever is none. */
export function readDhcp(b: Uint8Array, hardware: Uint8Array): ServerMessage | null {
  if (b.length < OFF_OPTIONS || b[0] !== BOOTREPLY || b[1] !== ETHERNET || b[2] !== 6) return null;
  if (getU32(b, OFF_COOKIE) !== COOKIE || !equalBytes(b, OFF_CHADDR, hardware, 0, 6)) return null;
  const options = new Map<number, Uint8Array>();
  if (!readOptions(b, OFF_OPTIONS, b.length, options)) return null;
  // Section 4.1: options may go on in the fields for names.
  const overload = options.get(OPT_OVERLOAD)?.[0] ?? 0;
  if (overload & 1 && !readOptions(b, OFF_FILE, OFF_COOKIE, options)) return null;
  if (overload & 2 && !readOptions(b, OFF_SNAME, OFF_FILE, options)) return null;
  const type = options.get(OPT_TYPE);
  if (type === undefined || type.length !== 1) return null;
  const seconds = (code: number): number => {
    const value = options.get(code);
    if (value === undefined || value.length !== 4) return 0;
    const number = getU32(value, 0);
    return number === 0xffff_ffff ? Number.POSITIVE_INFINITY : number;
  };
  const mtu = options.get(OPT_MTU);
  return {
    type: type[0],
    xid: getU32(b, OFF_XID),
    yours: mapped(b, OFF_YIADDR),
    server: addresses(options.get(OPT_SERVER))[0] ?? null,
    prefix: prefixOf(options.get(OPT_SUBNET_MASK)),
    routers: addresses(options.get(OPT_ROUTER)),
    dnsServers: addresses(options.get(OPT_DNS)),
    domain: String.fromCharCode(...(options.get(OPT_DOMAIN) ?? [])).replace(/[^A-Za-z0-9._-]/g, ''),
    mtu: mtu?.length === 2 ? getU16(mtu, 0) : 0,
    lease: seconds(OPT_LEASE),
    t1: seconds(OPT_T1),
    t2: seconds(OPT_T2),
  };
}

/** Whether an address can be one host's on a link: no group, broadcast, loopback or "this network". */
export function isHostAddress(a: Uint8Array): boolean {
  return (
    isIpv4(a) && a[12] !== 0 && a[12] < 240 && !isMulticast(a) && !isLoopback(a) && !isLimitedBroadcast(a)
  );
}

// The first of each kind counts; false when one leads beyond the end.
function readOptions(b: Uint8Array, start: number, end: number, out: Map<number, Uint8Array>): boolean {
  let at = start;
  while (at < end) {
    const code = b[at];
    if (code === OPT_END) return true;
    if (code === OPT_PAD) {
      at++;
      continue;
    }
    const size = at + 1 < end ? b[at + 1] : -1;
    if (size < 0 || at + 2 + size > end) return false;
    if (!out.has(code)) out.set(code, b.subarray(at + 2, at + 2 + size));
    at += 2 + size;
  }
  return true;
}

function mapped(b: Uint8Array, o: number): Uint8Array {
  const address = new Uint8Array(16);
  mapIpv4(address, 0, b, o);
  return address;
}

function addresses(value: Uint8Array | undefined): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; value !== undefined && at + 4 <= value.length && found.length < MAX_ADDRESSES; at += 4) {
    const address = mapped(value, at);
    if (isHostAddress(address)) found.push(address);
  }
  return found;
}

function prefixOf(mask: Uint8Array | undefined): number {
  if (mask?.length !== 4) return 32;
  const bits = Math.clz32(~getU32(mask, 0));
  const contiguous = bits === 32 || getU32(mask, 0) << bits === 0;
  // A mask of nothing would make all the world our neighbours.
  return contiguous && bits > 0 ? bits : 32;
}
