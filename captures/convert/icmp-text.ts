// A router's or host's ICMP message in the packetdrill language.

import type { RecordedIcmp } from '../replay/recording.js';

export function icmpText(m: RecordedIcmp): string {
  const { type, code, rest, ipv6 } = m.message;
  const seq = m.quotedSeq >>> 0;
  const quoted = `[${seq}:${seq}(0)]`;
  if (!ipv6 && type === 3 && code === 4) return `icmp unreachable frag_needed mtu ${rest & 0xffff} ${quoted}`;
  if (ipv6 && type === 2) return `icmp packet_too_big mtu ${rest} ${quoted}`;
  return `icmp type_${type} code_${code} ${quoted}`;
}
