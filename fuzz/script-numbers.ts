// Sequence numbers of the wire as a packetdrill script counts them: the rules of conformance/runner/flow.ts and sockets.ts from the
// other side, packet by packet in the order in which they passed. Knows no text.

import type { DecodedTcp } from '../conformance/runner/decode.js';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../stack/wire/tcp.js';

export interface ScriptNumbersOf {
  /** First number; undefined: the wire's own, which has nothing to do with the connection's (`...(0)`). */
  readonly start: number | undefined;
  readonly ack: number;
  /** What edges of SACK blocks are counted from. */
  readonly sackBase: number;
}

export class ScriptNumbers {
  /** The connection is, or will be, the stack's own opening. */
  private active = false;
  private own: number | undefined;
  private peer: number | undefined;
  /** Behind the last byte that the stack has sent. */
  private high: number | undefined;

  /** The program calls connect(). */
  connecting(): void {
    this.active = true;
  }

  /** The numbers of the next packet that passes. */
  of({ flags, sequence, ack }: DecodedTcp, direction: 'in' | 'out'): ScriptNumbersOf {
    const syn = (flags & TCP_SYN) !== 0;
    this.learn(flags, sequence, direction);
    const own = this.own ?? 0;
    // A SYN names the peer's number itself; all else counts from there, and from 0 on the stack's side.
    const peer = syn ? 0 : (this.peer ?? 0);
    if (direction === 'in') return { start: less(sequence, peer), ack: less(ack, own), sackBase: own };
    // A reset for what nobody wanted has number 0 on the wire (RFC 9293 section 3.10.7.1); scripts count from the stack's.
    const stray = (flags & TCP_RST) !== 0 && (flags & TCP_ACK) !== 0 && sequence === 0 && own !== 0;
    return { start: stray ? undefined : less(sequence, own), ack: less(ack, peer), sackBase: peer };
  }

  /** Whether numbers of the stack's were left out before these: what had them never reached the link. */
  leavesOut({ flags, sequence }: DecodedTcp, payloadLength: number): boolean {
    if (this.own === undefined || (flags & TCP_RST) !== 0) return false;
    const gap = this.high !== undefined && ((sequence - this.high) | 0) > 0;
    const more = (flags & TCP_SYN ? 1 : 0) + (flags & TCP_FIN ? 1 : 0);
    const end = (sequence + payloadLength + more) >>> 0;
    if (this.high === undefined || ((end - this.high) | 0) > 0) this.high = end;
    return gap;
  }

  /** A number of the stack's that an ICMP message quotes. */
  quoted(sequence: number): number {
    return less(sequence, this.own ?? 0);
  }

  private learn(flags: number, sequence: number, direction: 'in' | 'out'): void {
    const both = flags & (TCP_SYN | TCP_ACK);
    if (direction === 'out') {
      const opens = this.active ? TCP_SYN : TCP_SYN | TCP_ACK;
      if (both === opens) this.own ??= sequence;
      return;
    }
    // The SYN of a simultaneous open leaves the peer's numbers as they are on the wire: only a SYN-ACK begins relative ones.
    if (this.active ? both === (TCP_SYN | TCP_ACK) && this.own !== undefined : true) this.peer ??= sequence;
  }
}

const less = (number: number, base: number): number => (number - base) >>> 0;
