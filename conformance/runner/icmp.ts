// ICMP of a script: names to numbers, and the bytes of an inbound message with the packet that it quotes
// (RFC 792, RFC 4443): the target's own IP header and the eight bytes behind it, so that it finds the connection.

import type { IcmpMessage, UndefinedName } from '../language/ast.js';
import { ICMPV4_CODES, ICMPV4_TYPES, ICMPV6_CODES, ICMPV6_TYPES } from '../language/vocabulary.js';
import { parseAddress } from './addresses.js';
import type { InboundMapping } from './build.js';
import { ipv4Header, ipv6Header, join } from './build.js';
import { PROTOCOL_TCP, PROTOCOL_UDP } from './decode.js';
import { ScriptProblem } from './errors.js';

const HEADER_LENGTH = 8;

/** Type and code numbers of a message for the version on the wire. */
export function icmpNumbers(message: IcmpMessage, version: 4 | 6): { type: number; code: number } {
  const types = version === 4 ? ICMPV4_TYPES : ICMPV6_TYPES;
  const typeName = definedName(message.type);
  const type = /^type_(\d+)$/.exec(typeName)?.[1] ?? types.get(typeName);
  if (type === undefined) throw new ScriptProblem(`ICMPv${version} has no type ${typeName}`, message.span);
  if (message.code === null) return { type: Number(type), code: 0 };
  const codeName = definedName(message.code);
  const codes =
    version === 4 ? (Number(type) === 3 ? ICMPV4_CODES : undefined) : ICMPV6_CODES.get(Number(type));
  const code = /^code_(\d+)$/.exec(codeName)?.[1] ?? codes?.get(codeName);
  if (code === undefined) {
    throw new ScriptProblem(`ICMPv${version} ${typeName} has no code ${codeName}`, message.span);
  }
  return { type: Number(type), code: Number(code) };
}

function definedName(name: string | UndefinedName): string {
  if (typeof name === 'string') return name;
  throw new ScriptProblem(`${name.name} is not defined: give it with -D ${name.name}=VALUE`, name.span);
}

/** The message with a checksum of zero. */
export function icmpBytes(message: IcmpMessage, mapping: InboundMapping, version: 4 | 6): Uint8Array {
  const { type, code } = icmpNumbers(message, version);
  const { echoed } = message;
  const header = new Uint8Array(HEADER_LENGTH);
  const view = new DataView(header.buffer);
  header[0] = type;
  header[1] = code;
  if (message.mtu !== null) {
    const right = version === 4 ? type === 3 && code === 4 : type === 2 && code === 0;
    if (!right) {
      const word = version === 4 ? 'unreachable frag_needed' : 'packet_too_big';
      throw new ScriptProblem(`ICMPv${version} has an mtu in ${word} only`, message.span);
    }
    if (version === 4) view.setUint16(6, message.mtu);
    else view.setUint32(4, message.mtu);
  }
  if (message.id !== null) view.setUint16(4, message.id);
  if (echoed?.kind === 'raw') {
    if (echoed.length < HEADER_LENGTH) {
      throw new ScriptProblem(
        `an ICMP message of ${echoed.length} bytes is shorter than its header`,
        message.span,
      );
    }
    return join(header, new Uint8Array(echoed.length - HEADER_LENGTH));
  }
  return join(header, quoted(message, mapping, version));
}

function quoted(message: IcmpMessage, mapping: InboundMapping, version: 4 | 6): Uint8Array {
  const { echoed } = message;
  const udp = echoed?.kind === 'udp';
  const protocol = udp ? PROTOCOL_UDP : PROTOCOL_TCP;
  const payload =
    echoed?.kind === 'udp' ? echoed.length : echoed?.kind === 'tcp' ? echoed.sequence.length : 0;
  const whole = (udp ? 8 : 20) + payload;
  // What the target sent: from it to the remote end.
  const source = parseAddress(mapping.destination.address)!;
  const destination = parseAddress(mapping.source.address)!;
  const ip =
    version === 4
      ? ipv4Header(whole, protocol, 0, 255, source, destination)
      : ipv6Header(whole, protocol, 0, 255, 0, source, destination);
  const first = new Uint8Array(8);
  const view = new DataView(first.buffer);
  view.setUint16(0, mapping.destination.port);
  view.setUint16(2, mapping.source.port);
  if (udp) {
    view.setUint16(4, whole);
  } else {
    const sequence = echoed?.kind === 'tcp' ? echoed.sequence : null;
    const start = sequence?.start ?? 0;
    view.setUint32(4, sequence?.mode === 'absolute' ? start : mapping.localSequence(start, false));
  }
  return join(ip, first);
}
