// Fragments that came in: put together, counted, and the whole packet given back to the driver.
import { ipCounterIndex, type StackCounters } from '../host/ip-counters.js';
import { INPUT_FRAGMENT, type IpInput } from '../ip/input.js';
import { FRAGMENT_COMPLETE, FRAGMENT_FAILED, FRAGMENT_PROBLEM, type Reassembler } from '../ip/reassembly.js';
import type { Answers } from './answers.js';
import type { PacketOutput } from './packet-output.js';

const REASM_OKS = ipCounterIndex('IpReasmOKs');
const REASM_OKS_6 = ipCounterIndex('Ip6ReasmOKs');
const REASM_FAILS = ipCounterIndex('IpReasmFails');
const REASM_FAILS_6 = ipCounterIndex('Ip6ReasmFails');
const REASM_OVERLAPS = ipCounterIndex('IpExtReasmOverlaps');
const HEADER_ERRORS_6 = ipCounterIndex('Ip6InHdrErrors');
const REASM_TIMEOUT = ipCounterIndex('IpReasmTimeout');
const REASM_TIMEOUT_6 = ipCounterIndex('Ip6ReasmTimeout');

export class FragmentInput {
  private readonly output: PacketOutput;
  private readonly ip: IpInput;
  private readonly fragments: Reassembler;
  private readonly counters: StackCounters;
  private readonly answers: Answers;

  constructor(
    parts: { output: PacketOutput; ip: IpInput; fragments: Reassembler; counters: StackCounters },
    answers: Answers,
  ) {
    this.output = parts.output;
    this.ip = parts.ip;
    this.fragments = parts.fragments;
    this.counters = parts.counters;
    this.answers = answers;
    this.fragments.onTimeout = (now, link, b, o, length) => this.timeout(now, link, b, o, length);
  }

  /** The fragment that `ip` has just received in `bytes`. */
  receive(bytes: Uint8Array, now: number): void {
    const { fragments, ip } = this;
    const { link } = ip;
    const { overlaps } = fragments.counters;
    const result = fragments.add(now, bytes, ip.packet, link);
    // Linux counts overlaps over IPv4 alone.
    if (!ip.packet.ipv6) this.counters.ip.add(REASM_OVERLAPS, fragments.counters.overlaps - overlaps);
    if (result === FRAGMENT_PROBLEM) {
      this.counters.ip.add(HEADER_ERRORS_6);
      this.answers.answer(now, (out, at) =>
        ip.parameterProblem(now, out, at, this.answers.ownSource(), fragments.problemPointer),
      );
      return;
    }
    if (result === FRAGMENT_FAILED) this.counters.ip.add(ip.packet.ipv6 ? REASM_FAILS_6 : REASM_FAILS);
    if (result !== FRAGMENT_COMPLETE) return;
    // One producer a ring: the whole packet goes back to the driver, which finds its channel.
    const index = this.output.allocate(fragments.completeLength);
    if (index < 0) {
      this.counters.ip.add(ip.packet.ipv6 ? REASM_FAILS_6 : REASM_FAILS);
      return;
    }
    this.counters.ip.add(ip.packet.ipv6 ? REASM_OKS_6 : REASM_OKS);
    const { party } = this.output;
    fragments.copyTo(party.bytes, party.start(index));
    this.output.reinject(index, link, now, true);
  }

  /** The first fragment of a packet that was not completed in time: its sender is told. */
  private timeout(now: number, link: number, b: Uint8Array, o: number, length: number): void {
    const { counters, ip } = this;
    if (ip.receive(b, o, length, link, false) !== INPUT_FRAGMENT) return;
    counters.ip.add(ip.packet.ipv6 ? REASM_TIMEOUT_6 : REASM_TIMEOUT);
    counters.ip.add(ip.packet.ipv6 ? REASM_FAILS_6 : REASM_FAILS);
    this.answers.answer(now, (out, at) => ip.reassemblyTimeExceeded(now, out, at));
  }
}
