// The ground of one case: a network namespace of the calling thread, a device in it with the kernel on one side
// and a stack on the other, and the loop that runs it. All of it ends with the thread, however that ends.
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { ImpairedLink } from '../stack/link/impaired.js';
import type { Link } from '../stack/link/link.js';
import { addAddress, setUp } from '../stack/link/linux/interface.js';
import { unshareNetwork } from '../stack/link/linux/namespace.js';
import { linkTypeOf, PcapLink, PcapWriter } from '../stack/link/pcap.js';
import { monotonicMicros, RealTimeLoop } from '../stack/run-loop.js';
import { createStack, type InlineStack } from '../stack/stack.js';
import { parseAddress } from '../stack/wire/address.js';
import { openDevice, type PeerDevice } from './devices.js';
import { type CaseId, IMPAIRMENTS, type PeerCase } from './types.js';

/** TEST-NET-1 (RFC 5737) and the documentation prefix (RFC 3849). */
export const KERNEL = { 4: '192.0.2.1', 6: '2001:db8::1' } as const;
export const OURS = { 4: '192.0.2.2', 6: '2001:db8::2' } as const;
/** A link-local address of the stack: RFC 4291 section 2.1 wants one on every interface. */
const OURS_LINK_LOCAL = 'fe80::2';

export interface PeerNetwork {
  readonly stack: InlineStack;
  readonly link: Link;
  readonly device: PeerDevice;
  readonly impaired: ImpairedLink | null;
  readonly loop: RealTimeLoop;
  close(): Promise<void>;
}

export function setSysctl(name: string, value: string): void {
  writeFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, value);
}

/** Opens it all; the loop runs from now on, and `failed` gets what ends it. Needs root and /dev/net/tun. */
export function openPeerNetwork(
  peerCase: PeerCase,
  { family, condition, device: kind }: Pick<CaseId, 'family' | 'condition' | 'device'>,
  failed: (error: unknown) => void,
  pcap?: string,
): PeerNetwork {
  unshareNetwork();
  setUp('lo', true);
  // The kernel's side has its address at once, unless the case is about that very thing.
  if (!peerCase.kernelDad) setSysctl('net.ipv6.conf.default.accept_dad', '0');
  // No router solicitations and reports in between: they are a case of their own.
  setSysctl('net.ipv6.conf.default.router_solicitations', '0');
  const impairment = IMPAIRMENTS[condition];
  const { mtu = 1500 } = peerCase;
  const device = openDevice(kind, mtu, impairment === null && (peerCase.offload ?? true));
  let inner: Link = device.link;
  let capture = -1;
  if (pcap !== undefined) {
    capture = openSync(pcap, 'w');
    const options = { linkType: linkTypeOf(inner), epoch: Date.now() * 1e3 - monotonicMicros() };
    inner = new PcapLink(inner, new PcapWriter((bytes) => void writeSync(capture, bytes), options));
  }
  const impaired = impairment === null ? null : new ImpairedLink(inner, { both: impairment, seed: 1 });
  const link = impaired ?? inner;
  addAddress(device.name, parseAddress(KERNEL[4]).subarray(12), 24);
  const ipv6 = mtu >= 1280;
  if (ipv6) addAddress(device.name, parseAddress(KERNEL[6]), 64);
  const stack = createStack({
    links: [link],
    // IPv6 only means that: no IPv4 address is there to fall back to.
    addresses: [
      ...(family === 4 ? [{ address: OURS[4], prefix: 24 }] : []),
      ...(ipv6
        ? [
            { address: OURS[6], prefix: 64 },
            { address: OURS_LINK_LOCAL, prefix: 64 },
          ]
        : []),
    ],
    smallBuffers: 16_384,
    largeBuffers: 512,
    wallEpoch: Date.now() * 1e3 - monotonicMicros(),
    timestampEpoch: Date.now() >>> 0,
    seed: process.hrtime()[1],
    // The stack's side likewise: DAD is a case of its own.
    sysctls: { 'net.ipv6.conf.all.accept_dad': '0' },
    ...peerCase.stack,
  });
  const loop = new RealTimeLoop(stack);
  const running = loop.run().catch(failed);
  return {
    stack,
    link,
    device,
    impaired,
    loop,
    async close() {
      loop.stop();
      await running;
      loop.close();
      stack.close();
      link.close();
      if (capture >= 0) closeSync(capture);
    },
  };
}
