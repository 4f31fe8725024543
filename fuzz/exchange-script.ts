// A run of the `tcp` target as a packetdrill script beside the filed failure: its calls with what they returned and its packets
// at their times, in the script's numbers. What a stack that is whole answers is what the script expects, so it is written by the
// stack that passes, and fails on the one that failed. It is run before it is kept.

import { writeFileSync } from 'node:fs';
import { optionText } from '../captures/convert/option-text.js';
import { runScript, targetFactory } from '../conformance/index.js';
import { errnoName, errnoText } from '../conformance/language/symbols.js';
import { decodePacket } from '../conformance/runner/decode.js';
import { flagsText, timeText } from '../conformance/runner/print-packet.js';
import { TCP_ACK, TCP_RST, TCP_SYN } from '../stack/wire/tcp.js';
import { type Regression, readRegression } from './filing.js';
import { replayRegression } from './replay.js';
import { type ExchangePacket, InputError, type Witness } from './target.js';
import type { TcpInput } from './targets/tcp-commands.js';

/** No script can be made of this failure, or the one that was made does not do the same. */
export class ScriptlessError extends Error {
  readonly code = 'FUZZ_SCRIPTLESS';
}

const ECN = ['', '[ect1] ', '[ect0] ', '[ce] '] as const;

/** Takes down what happens as lines of a script. */
class ScriptWitness implements Witness {
  readonly lines: string[] = [];
  private now = 0;
  private started = false;
  /** Initial sequence numbers of the stack and of the peer. */
  private iss: number | undefined;
  private readonly peerIss: number;
  /** Timestamps that the stack has sent. */
  private readonly stamps = new Set<string>();

  constructor(peerIss: number) {
    this.peerIss = peerIss;
  }

  step(): void {}

  call(at: number, text: string, result: number): void {
    this.line(at, `${text} = ${result >= 0 ? result : failed(-result)}`);
  }

  command(at: number, text: string): void {
    this.line(at, `\`${text}\``);
  }

  packet({ time, direction, bytes }: ExchangePacket): void {
    const { ip, transport, payloadLength } = decodePacket(bytes, time);
    const arrow = direction === 'in' ? '<' : '>';
    if (ip === null) throw new ScriptlessError('a packet without an IP header has no place in a script');
    if (transport.kind === 'icmp') {
      this.line(
        time,
        `${arrow} ${this.icmp(bytes, transport.type, transport.code, transport.rest, transport.version)}`,
      );
      return;
    }
    if (transport.kind !== 'tcp')
      throw new ScriptlessError(`IP protocol ${ip.protocol} has no place in this script`);
    const { flags, window, urgent, offset, headerLength } = transport;
    if (direction === 'out' && (flags & TCP_SYN) !== 0) this.iss = transport.sequence;
    const iss = this.iss ?? 0;
    // A SYN names the peer's number itself; all else counts from there, and from 0 on the stack's side.
    const from = (flags & TCP_SYN) !== 0 ? 0 : this.peerIss;
    const own = (n: number): number => (n - iss) >>> 0;
    // A reset for a SYN that nobody wanted has number 0 on the wire (RFC 9293 section 3.10.7.1); scripts count from the stack's.
    if (direction === 'out' && (flags & TCP_RST) !== 0 && transport.sequence === 0)
      throw new ScriptlessError('a reset with number 0 cannot be written as a script');
    const peer = (n: number): number => (n - from) >>> 0;
    const { sequence } = transport;
    const [seq, ack] =
      direction === 'out' ? [own(sequence), peer(transport.ack)] : [peer(sequence), own(transport.ack)];
    const options = optionText(wholeOptions(bytes.subarray(offset + 20, offset + headerLength)), {
      sackBase: direction === 'in' ? iss : this.peerIss,
      value: (value) => value,
      echo: (value) => value,
    });
    if (direction === 'out') this.noteStamp(options);
    this.line(
      time,
      `${arrow} ${ECN[(ip.tos & 3) as 0]}${flagsText(flags)} ${seq}:${seq + payloadLength}(${payloadLength})` +
        `${flags & TCP_ACK ? ` ack ${ack}` : ''} win ${window}${urgent === 0 ? '' : ` urg ${urgent}`}` +
        `${options === '' ? '' : ` <${direction === 'in' ? this.echoes(options) : options}>`}`,
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

  private icmp(bytes: Uint8Array, type: number, code: number, rest: number, version: 4 | 6): string {
    // What is quoted begins behind both headers: its sequence number is the stack's own.
    const quoted = decodePacket(bytes.subarray(version === 4 ? 28 : 48), 0).transport;
    if (quoted.kind !== 'tcp') throw new ScriptlessError('an ICMP message that quotes no segment');
    const seq = (quoted.sequence - (this.iss ?? 0)) >>> 0;
    const where = `[${seq}:${seq}(0)]`;
    if (version === 4 && type === 3 && code === 4)
      return `icmp unreachable frag_needed mtu ${rest & 0xffff} ${where}`;
    if (version === 6 && type === 2) return `icmp packet_too_big mtu ${rest} ${where}`;
    return `icmp type_${type} code_${code} ${where}`;
  }

  private line(at: number, text: string): void {
    const delta = this.started ? Math.max(0, Math.round(at - this.now)) : 0;
    this.lines.push(`${this.started ? '+' : ''}${timeText(delta).replace(/\.?0+$/, '')} ${text}`);
    this.now = Math.max(this.now, at);
    this.started = true;
  }
}

/** The padding behind an end of options says nothing, and nor do no-operations, which every script can write. */
function wholeOptions(options: Uint8Array): Uint8Array {
  const b = options.slice();
  for (let at = 0; at < b.length; at += b[at] === 1 ? 1 : Math.max(2, b[at + 1] ?? 2)) {
    if (b[at] === 0) return b.fill(1, at);
  }
  return b;
}

function failed(errno: number): string {
  const name = errnoName(errno);
  if (name === undefined) throw new ScriptlessError(`errno ${errno} has no name`);
  return `-1 ${name} (${errnoText(name)})`;
}

/** The script of a filed failure, as this stack goes through it. Throws ScriptlessError. */
export async function exchangeScript(file: Regression): Promise<string> {
  if (file.target !== 'tcp')
    throw new ScriptlessError(`target ${file.target} has no calls and segments of one connection`);
  const { setting } = file.input as unknown as TcpInput;
  const witness = new ScriptWitness(setting.peerIss);
  const { failure, error } = await replayRegression(file, witness);
  if (error instanceof ScriptlessError) throw error;
  if (failure !== undefined)
    throw new ScriptlessError(`this stack still fails, and a script says what a whole one does: ${failure}`);
  const head = [
    `// ${file.id}.`,
    `// Made by netchannel fuzz --replay --script from what the fuzzers filed on ${file.found}: what the whole stack does.`,
    `--ip_version=${setting.v6 ? 'ipv6' : 'ipv4'}`,
    ...(setting.mtu === 1500 ? [] : [`--mtu=${setting.mtu}`]),
    '',
    // The fuzzer's device takes no super-packets.
    '`ethtool -K tun0 tso off gso off`',
    '',
  ];
  return `${[...head, ...witness.lines].join('\n')}\n`;
}

/** Runs a script that `exchangeScript` made on this stack; why it does not pass, or undefined. */
export async function checkExchangeScript(text: string, file: Regression): Promise<string | undefined> {
  const { verdict, reason } = await runScript(text, {
    file: 'exchange.pkt',
    target: await targetFactory('stack'),
    ipVersion: (file.input as unknown as TcpInput).setting.v6 ? 'ipv6' : 'ipv4',
    strictEnd: true,
  });
  return verdict === 'passed' ? undefined : (reason ?? verdict);
}

/**
 * Writes the `.pkt` beside the regression at `path` when this stack passes it, and returns its path.
 * Throws ScriptlessError, InputError.
 */
export async function writeExchangeScript(path: string): Promise<string> {
  if (!path.endsWith('.json')) throw new InputError(`${path}: a filed failure is a .json file`);
  const file = readRegression(path);
  const text = await exchangeScript(file);
  const reason = await checkExchangeScript(text, file);
  if (reason !== undefined) throw new ScriptlessError(`the script that was made does not pass: ${reason}`);
  const beside = path.replace(/\.json$/, '.pkt');
  writeFileSync(beside, text);
  return beside;
}
