// A run as the lines of a packetdrill script, told for one end of one connection: its host's calls with what they returned and
// its packets at their times, in the script's numbers. The script around the lines is exchange-script.ts.

import { optionText } from '../captures/convert/option-text.js';
import { errnoName, errnoText } from '../conformance/language/symbols.js';
import {
  type DecodedIcmp,
  type DecodedPacket,
  type DecodedTransport,
  decodePacket,
} from '../conformance/runner/decode.js';
import { flagsText, timeText } from '../conformance/runner/print-packet.js';
import { TCP_ACK } from '../stack/wire/tcp.js';
import { ETHERNET_HEADER, neighbourTalk } from './neighbours.js';
import { ScriptNumbers } from './script-numbers.js';
import { type ExchangePacket, hexOf, type Place, type ToldNetwork, type Witness } from './target.js';

/** Something happens for which scripts have no word. */
export class ScriptlessError extends Error {
  readonly code = 'FUZZ_SCRIPTLESS';
}

const ECN = ['', '[ect1] ', '[ect0] ', '[ce] '] as const;
/** A call that found nothing to do. */
const EAGAIN = 11;

/** Takes down what happens as lines of a script. Its methods throw ScriptlessError where scripts have no word. */
export class ScriptWitness implements Witness {
  readonly lines: string[] = [];
  told: ToldNetwork = { v6: false, mtu: 1500 };
  private readonly place: Place | undefined;
  private now = 0;
  private started = false;
  private calls = false;
  private readonly numbers = new ScriptNumbers();
  /** Timestamps that the stack has sent. */
  private readonly stamps = new Set<string>();
  /** Calls that found nothing to do since the last packet: again they would find no more. */
  private readonly idle = new Set<string>();
  /** When the question for a neighbour that nobody has answered yet went out. */
  private asked: number | undefined;

  /** @param place whose script it is, where the target has several hosts or connections */
  constructor(place?: Place) {
    this.place = place;
  }

  step(): void {}

  network(told: ToldNetwork): void {
    this.told = told;
  }

  untold(what: string, place?: Place): void {
    if (this.isHere(place)) throw new ScriptlessError(what);
  }

  call(at: number, text: string, result: number, place?: Place): void {
    if (!this.isHere(place)) return;
    this.calls = true;
    if (text.startsWith('connect(')) this.numbers.connecting();
    if (result === -EAGAIN && place !== undefined) {
      if (this.idle.has(text)) return;
      this.idle.add(text);
    }
    this.line(at, `${text} = ${result >= 0 ? result : failed(-result)}`);
  }

  command(at: number, text: string, place?: Place): void {
    if (this.isHere(place)) this.line(at, `\`${text}\``);
  }

  packet(packet: ExchangePacket): void {
    const { time, direction, host } = packet;
    if (host !== this.place?.host) return;
    if (packet.ethernet && this.neighbour(packet)) return;
    const bytes = packet.ethernet ? packet.bytes.subarray(ETHERNET_HEADER) : packet.bytes;
    const decoded = decodePacket(bytes, time);
    if (direction === 'in' && damaged(decoded)) return;
    if (!this.concerns(decoded)) return;
    this.idle.clear();
    if (direction === 'in' && packet.segmentSize !== undefined)
      throw new ScriptlessError('super-packets come in, and a script brings segments one by one');
    const text = this.text(decoded, direction, bytes);
    this.line(time, `${direction === 'in' ? '<' : '>'} ${text}`);
  }

  /** Throws ScriptlessError when what was taken down is no script. */
  finish(): void {
    if (!this.calls)
      throw new ScriptlessError('no program makes a call, and a script needs a socket under test');
    if (this.asked !== undefined) this.delayed();
  }

  private isHere(place: Place | undefined): boolean {
    return place?.host === this.place?.host && place?.port === this.place?.port;
  }

  /** Whether a frame asks or tells where a neighbour is. What has to wait for an answer, a script cannot tell. */
  private neighbour({ bytes, time, direction }: ExchangePacket): boolean {
    const kind = neighbourTalk(bytes);
    if (kind === undefined) return false;
    if (direction === 'out' && kind === 'question') this.asked ??= time;
    if (direction === 'in' && kind === 'answer' && this.asked !== undefined) {
      if (time > this.asked) this.delayed();
      this.asked = undefined;
    }
    return true;
  }

  private delayed(): never {
    throw new ScriptlessError('packets wait until a neighbour has said where it is, and scripts know none');
  }

  /** Whether a packet is one of the connection that the script tells. */
  private concerns({ transport, bytes }: DecodedPacket): boolean {
    const port = this.place?.port;
    if (port === undefined) return true;
    const tcp = transport.kind === 'icmp' ? quotedBy(bytes, transport.version) : transport;
    return tcp?.kind === 'tcp' && (tcp.sourcePort === port || tcp.destinationPort === port);
  }

  private text(packet: DecodedPacket, direction: 'in' | 'out', bytes: Uint8Array): string {
    const { ip, transport, payloadLength } = packet;
    if (ip === null) throw new ScriptlessError('a packet without an IP header has no place in a script');
    if ((ip.kind === 'ipv6') !== this.told.v6)
      throw new ScriptlessError('packets of both families pass, and a script has one');
    if (transport.kind === 'icmp' && quotedBy(bytes, transport.version).kind === 'tcp')
      return this.icmp(bytes, transport);
    if (transport.kind !== 'tcp') {
      // What is no segment comes in byte by byte, and has nothing to do with the connection's numbers.
      if (direction === 'in') return `raw ${hexOf(bytes)}`;
      throw new ScriptlessError(
        'the stack answers with what is no segment, and scripts cannot say what is in it',
      );
    }
    const { flags, window, urgent } = transport;
    const { start, ack, sackBase } = this.numbers.of(transport, direction);
    if (direction === 'out' && this.numbers.leavesOut(transport, payloadLength))
      throw new ScriptlessError(
        'a packet is lost inside its own host for want of buffers, which scripts cannot take away',
      );
    const { offset, headerLength } = transport;
    const options = optionText(wholeOptions(bytes.subarray(offset + 20, offset + headerLength)), {
      sackBase,
      value: (value) => value,
      echo: (value) => value,
    });
    if (direction === 'out') this.noteStamp(options);
    const range = rangeText(start, transport.sequence, payloadLength, direction);
    return (
      `${ECN[(ip.tos & 3) as 0]}${flagsText(flags)} ${range}` +
      `${flags & TCP_ACK ? ` ack ${ack}` : ''} win ${window}${urgent === 0 ? '' : ` urg ${urgent}`}` +
      `${options === '' ? '' : ` <${direction === 'in' ? this.echoes(options) : options}>`}`
    );
  }

  private noteStamp(options: string): void {
    const value = /TS val (\d+)/.exec(options)?.[1];
    if (value !== undefined) this.stamps.add(value);
  }

  /** An echo of what the stack never said stands for itself. */
  private echoes(options: string): string {
    return options.replace(/ecr (\d+)/, (text, echo: string) => (this.stamps.has(echo) ? text : `${text}!`));
  }

  private icmp(bytes: Uint8Array, { type, code, rest, version }: DecodedIcmp): string {
    const quoted = quotedBy(bytes, version);
    if (quoted.kind !== 'tcp') throw new Error('only what quotes a segment is written so');
    const seq = this.numbers.quoted(quoted.sequence);
    const where = `[${seq}:${seq}(0)]`;
    if (version === 4 && type === 3 && code === 4)
      return `icmp unreachable frag_needed mtu ${rest & 0xffff} ${where}`;
    if (version === 6 && type === 2) return `icmp packet_too_big mtu ${rest} ${where}`;
    return `icmp type_${type} code_${code} ${where}`;
  }

  private line(at: number, text: string): void {
    // Whole µs of the run's own clock, so that what is cut off never adds up.
    const time = Math.max(this.now, Math.round(at));
    const delta = this.started ? time - this.now : 0;
    this.lines.push(`${this.started ? '+' : ''}${timeText(delta).replace(/\.?0+$/, '')} ${text}`);
    this.now = time;
    this.started = true;
  }
}

/** What an ICMP message quotes begins behind both headers: the first eight bytes of it are sure to be there. */
function quotedBy(bytes: Uint8Array, version: 4 | 6): DecodedTransport {
  return decodePacket(bytes.subarray(version === 4 ? 28 : 48), 0).transport;
}

/** The padding behind an end of options says nothing, and nor do no-operations, which every script can write. */
function wholeOptions(options: Uint8Array): Uint8Array {
  const b = options.slice();
  for (let at = 0; at < b.length; at += b[at] === 1 ? 1 : Math.max(2, b[at + 1] ?? 2)) {
    if (b[at] === 0) return b.fill(1, at);
  }
  return b;
}

/** `1:11(10)`; with numbers past 2^32 what comes in has the wire's own. */
function rangeText(start: number | undefined, wire: number, length: number, direction: 'in' | 'out'): string {
  if (start === undefined) return `...(${length})`;
  if (start + length < 2 ** 32) return `${start}:${start + length}(${length})`;
  if (direction === 'out') throw new ScriptlessError('what the stack sends has numbers past 2^32');
  return `${wire}:${(wire + length) % 2 ** 32}(${length})!`;
}

/** What came so is dropped unread. */
function damaged({ ip, bytes, checksumOk }: DecodedPacket): boolean {
  return checksumOk === false || (ip !== null && (!ip.headerChecksumOk || ip.totalLength > bytes.length));
}

function failed(errno: number): string {
  const name = errnoName(errno);
  if (name === undefined) throw new ScriptlessError(`errno ${errno} has no name`);
  return `-1 ${name} (${errnoText(name)})`;
}
