// Where the stack's addresses come from: claims against those of the kernel, leases and router advertisements of dnsmasq.
import { formatHardware } from '../../stack/wire/ethernet.js';
import type { Running } from '../programs.js';
import { check, type PeerCase, type PeerContext } from '../types.js';
import { eventually } from './common.js';

const ROUTED = '2001:db8:5::';

/** dnsmasq on the kernel's side of the device: no DNS, no files, no privileges to drop; what it does is in its output. */
function dnsmasq(c: PeerContext, ...args: string[]): Running {
  const own = [
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--port=0',
    `--interface=${c.device}`,
    '--bind-interfaces',
    '--leasefile-ro',
    '--no-ping',
    '--pid-file=',
    '--user=root',
    '--log-facility=-',
    '--log-dhcp',
  ];
  return c.programs.start('sh', ['-c', 'exec dnsmasq "$@" 2>&1', 'dnsmasq', ...own, ...args]);
}

/** The state of the stack's address that begins so, '' without one. */
function stateOf(c: PeerContext, start: string): string {
  return c.stack.addresses().find(({ address }) => address.startsWith(start))?.state ?? '';
}

async function pinged(c: PeerContext, address: string): Promise<void> {
  const { status, stdout } = await c.programs.run('ping', ['-n', '-c', '1', '-w', '60', address], {
    status: null,
  });
  check(status === 0, `the kernel does not reach ${address}: ${stdout}`);
}

export const ownClaims: PeerCase = {
  name: 'own-addresses',
  about:
    'the stack claims an address that the kernel has and is told; a free one it gets, and the kernel reaches it',
  needs: ['ping'],
  conditions: ['clean'],
  // Claims, leases and groups live on Ethernet.
  devices: ['tap', 'packet'],
  stack: { sysctls: { 'net.ipv6.conf.all.accept_dad': '1' }, addresses: [] },
  async run(c) {
    const prefix = c.family === 4 ? 24 : 64;
    const free = c.family === 4 ? '192.0.2.77' : '2001:db8::77';
    c.stack.addAddress({ address: c.theirs, prefix, detectDuplicates: true });
    c.stack.addAddress({ address: free, prefix, detectDuplicates: true });
    await eventually(c, 'the kernel defends its address', () => stateOf(c, c.theirs) === 'duplicate');
    await eventually(c, 'a free address is ours', () => stateOf(c, free) === 'preferred');
    check(stateOf(c, c.theirs) === 'duplicate', 'the duplicate stays one');
    await pinged(c, free);
  },
};

export const dhcp: PeerCase = {
  name: 'dhcp',
  about: 'an address from dnsmasq, probed and then reached by the kernel, with its default route',
  needs: ['dnsmasq', 'ping', 'sh'],
  conditions: ['clean'],
  devices: ['tap', 'packet'],
  families: [4],
  stack: { addresses: [], autoconfigure: [{ dhcp: true }] },
  async run(c) {
    const server = dnsmasq(c, '--dhcp-range=192.0.2.50,192.0.2.60,255.255.255.0,5m', '--dhcp-authoritative');
    // The first DISCOVER may have come before the server: the second one comes after four seconds.
    const bound = () => stateOf(c, '192.0.2.') === 'preferred';
    await eventually(c, `no lease: ${server.output()}`, bound);
    const { address, prefix } = c.stack.addresses()[0];
    check(prefix === 24, `prefix ${prefix}`);
    const hardware = formatHardware(c.hardwareAddress);
    check(server.output().includes(`DHCPACK(${c.device}) ${address} ${hardware}`), server.output());
    await pinged(c, address);
    const route = c.stack.network.routes.all.find((each) => each.gateway !== null);
    check(route?.gateway?.subarray(12).join('.') === c.theirs, 'no default route by the server');
    c.note(`leased ${address}`);
  },
};

export const dhcpDecline: PeerCase = {
  name: 'dhcp-decline',
  about: 'dnsmasq gives away an address that the kernel has: the stack finds out and declines it',
  needs: ['dnsmasq', 'ip', 'sh'],
  conditions: ['clean'],
  devices: ['tap', 'packet'],
  families: [4],
  stack: { addresses: [], autoconfigure: [{ dhcp: true }] },
  async run(c) {
    await c.programs.run('ip', ['addr', 'add', '192.0.2.50/24', 'dev', c.device]);
    const server = dnsmasq(c, '--dhcp-range=192.0.2.50,192.0.2.50,255.255.255.0,5m');
    const declined = () => server.output().includes(`DHCPDECLINE(${c.device}) 192.0.2.50`);
    await eventually(c, 'the address is declined', declined);
    check(stateOf(c, '192.0.2.50') !== 'preferred', 'the address is used although it is the kernel’s');
  },
};

export const slaac: PeerCase = {
  name: 'slaac',
  about:
    'router advertisements of dnsmasq: a stable address, on-link prefix, default router and MTU; the kernel reaches it',
  needs: ['dnsmasq', 'ip', 'ping', 'sh'],
  conditions: ['clean'],
  devices: ['tap', 'packet'],
  families: [6],
  stack: {
    addresses: [],
    autoconfigure: [{ ipv6: true }],
    stableSecret: new Uint8Array(16),
    sysctls: { 'net.ipv6.conf.all.accept_dad': '1' },
  },
  async run(c) {
    await c.programs.run('ip', ['addr', 'add', `${ROUTED}1/64`, 'dev', c.device, 'nodad']);
    const server = dnsmasq(
      c,
      '--enable-ra',
      `--ra-param=${c.device},mtu:1400,10,600`,
      `--dhcp-range=${ROUTED},ra-only,64,1h`,
    );
    const ready = () => stateOf(c, '2001:db8:5:0:') === 'preferred';
    await eventually(c, `no address: ${server.output()}`, ready);
    const own = c.stack.addresses().find(({ address }) => address.startsWith('2001:db8:5:'));
    check(own?.prefix === 64 && own.validUntil < Number.POSITIVE_INFINITY, 'an address with a lifetime');
    check(stateOf(c, 'fe80:') === 'preferred', 'a link-local address');
    await pinged(c, own.address);
    const { routes } = c.stack.network;
    check(
      routes.all.some(({ gateway, destination }) => gateway !== null && destination.bits === 0),
      'no default router',
    );
    check(c.stack.network.devices[0].announcedMtu === 1400, 'the MTU of the advertisement');
    c.note(`made ${own.address}`);
  },
};
