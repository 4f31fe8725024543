// What a DHCP server says, for tests.
import { parseAddress } from '../wire/address.js';

export interface Reply {
  type: number;
  xid: number;
  hardware: Uint8Array;
  yours?: string;
  server?: string | null;
  mask?: string;
  router?: string;
  lease?: number;
  t1?: number;
  t2?: number;
  /** Options as they are, behind the others. */
  more?: number[];
}

const four = (text: string): number[] => [...parseAddress(text).subarray(12)];
const word = (n: number): number[] => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];

/** The bytes of a reply; every option as in RFC 2132. */
export function dhcpReply(reply: Reply): Uint8Array {
  const { type, xid, hardware, yours = '10.0.0.50', server = '10.0.0.1', mask = '255.255.255.0' } = reply;
  const options = [53, 1, type];
  if (server !== null) options.push(54, 4, ...four(server));
  options.push(1, 4, ...four(mask));
  if (reply.router !== undefined) options.push(3, 4, ...four(reply.router));
  for (const [code, value] of [
    [51, reply.lease],
    [58, reply.t1],
    [59, reply.t2],
  ]) {
    if (value !== undefined) options.push(code as number, 4, ...word(value));
  }
  const b = new Uint8Array(240 + options.length + (reply.more?.length ?? 0) + 1);
  b.set([2, 1, 6, 0, ...word(xid)]);
  b.set(four(yours), 16);
  b.set(hardware, 28);
  b.set([0x63, 0x82, 0x53, 0x63, ...options, ...(reply.more ?? []), 255], 236);
  return b;
}
