import { describe, expect, it } from 'vitest';
import { formatAddress } from '../wire/address.js';
import { DhcpClient } from './client.js';
import { type ClientMessage, DHCP_ACK, DHCP_NAK, DHCP_OFFER } from './message.js';
import { dhcpReply, type Reply } from './server.test.helper.js';

const S = 1e6;
const HW = Uint8Array.of(2, 0, 0, 0, 0, 1);
const NAMES = ['', 'DISCOVER', '', 'REQUEST', 'DECLINE'];

/** A client with chance that is always one half (no jitter), and what it says. */
class World {
  readonly said: string[] = [];
  last: ClientMessage | null = null;
  now = 0;
  private counter = 0;
  readonly client = new DhcpClient(
    {
      send: (now, message, to) => {
        this.last = message;
        const parts = [message.client, message.requested, message.server].map((each, i) =>
          each === null ? '' : ` ${['from', 'wants', 'of'][i]} ${formatAddress(each)}`,
        );
        const how = to === null ? '' : ` to ${formatAddress(to)}`;
        this.said.push(`${now / S} ${NAMES[message.type]}${parts.join('')}${how}`);
      },
      probe: (now) => void this.said.push(`${now / S} probe`),
      bound: (now, lease) =>
        void this.said.push(`${now / S} bound ${formatAddress(lease.address)}/${lease.prefix}`),
      lost: (now, _lease, why) => void this.said.push(`${now / S} lost ${why}`),
    },
    HW,
    // Half, and yet another transaction each time.
    () => 0x8000_0000 + this.counter++,
  );

  run(until: number): void {
    for (let at = this.client.nextTimeout(); at <= until * S; at = this.client.nextTimeout()) {
      this.now = Math.max(at, this.now);
      this.client.onTimer(this.now);
    }
    this.now = until * S;
  }

  hear(type: number, more: Partial<Reply> = {}): boolean {
    const lease = type === DHCP_NAK ? {} : { lease: 3600 };
    return this.client.receive(
      this.now,
      dhcpReply({ type, xid: this.last!.xid, hardware: HW, ...lease, ...more }),
    );
  }

  told(): string[] {
    return this.said.splice(0);
  }

  /** As far as BOUND, at time 0. */
  bound(more: Partial<Reply> = {}): this {
    this.client.start(0);
    this.run(0);
    this.hear(DHCP_OFFER, more);
    this.hear(DHCP_ACK, more);
    this.client.probed(0, true);
    expect(this.client.state).toBe('BOUND');
    this.told();
    return this;
  }
}

describe('the DHCP client (RFC 2131)', () => {
  it('discover, offer, request, acknowledgement, probes, bound', () => {
    const w = new World();
    w.client.start(0);
    w.run(0);
    expect(w.hear(DHCP_ACK)).toBe(false);
    expect(w.hear(DHCP_OFFER)).toBe(true);
    expect(w.client.state).toBe('REQUESTING');
    // A second offer, and another server's answer, are not what was asked for.
    expect(w.hear(DHCP_OFFER, { server: '10.0.0.9' })).toBe(false);
    expect(w.hear(DHCP_ACK, { server: '10.0.0.9' })).toBe(false);
    expect(w.hear(DHCP_NAK, { server: '10.0.0.9' })).toBe(false);
    expect(w.hear(DHCP_ACK, { yours: '10.0.0.51' })).toBe(false);
    expect(w.hear(DHCP_ACK)).toBe(true);
    w.client.probed(0, true);
    expect(w.told()).toEqual([
      '0 DISCOVER',
      '0 REQUEST wants 10.0.0.50 of 10.0.0.1',
      '0 probe',
      '0 bound 10.0.0.50/24',
    ]);
  });

  it('nobody answers: after 4, 8, 16, 32, 64, 64 s … again (section 4.1)', () => {
    const w = new World();
    w.client.start(0);
    w.run(300);
    expect(w.told().map((each) => Math.round(Number(each.split(' ')[0])))).toEqual([
      0, 4, 12, 28, 60, 124, 188, 252,
    ]);
    expect(w.last!.seconds).toBe(252);
  });

  it('a server that offers and then is silent: requests for a minute, then it starts again', () => {
    const w = new World();
    w.client.start(0);
    w.run(0);
    w.hear(DHCP_OFFER);
    w.run(200);
    expect(w.told().map((each) => each.split(' ')[1])).toEqual([
      'DISCOVER',
      ...new Array(4).fill('REQUEST'),
      ...new Array(6).fill('DISCOVER'),
    ]);
  });

  it('renews by unicast from half of the lease on, rebinds from seven eighths on, and lets go at its end', () => {
    const w = new World().bound({ t1: 1800, t2: 3150 });
    w.run(3603);
    expect(w.told()).toEqual([
      ...['1800', '2475', '2812.5', '2981.25', '3065.625', '3125.625'].map(
        (at) => `${at} REQUEST from 10.0.0.50 to 10.0.0.1`,
      ),
      ...['3150', '3375', '3487.5', '3547.5'].map((at) => `${at} REQUEST from 10.0.0.50`),
      '3600 lost expired',
      '3600 DISCOVER',
    ]);
  });

  it('an extended lease counts from when it was asked for; other addresses are not taken for it', () => {
    const w = new World().bound({ t1: 1800, t2: 3150 });
    w.run(1810);
    expect(w.hear(DHCP_ACK, { yours: '10.0.0.51' })).toBe(false);
    expect(w.hear(DHCP_ACK, { xid: w.last!.xid ^ 1 })).toBe(false);
    expect(w.hear(DHCP_ACK, { t1: 1800, t2: 3150 })).toBe(true);
    expect(w.client.lease).toMatchObject({ renewAt: 3600 * S, rebindAt: 4950 * S, expiresAt: 5400 * S });
    expect(w.told().at(-1)).toBe('1810 bound 10.0.0.50/24');
  });

  it('T1 and T2 have defaults, with some chance, and senseless ones are not taken (section 4.4.5)', () => {
    for (const more of [{}, { t1: 3000, t2: 2000 }, { t1: 100, t2: 4000 }]) {
      const { renewAt, rebindAt } = new World().bound(more).client.lease!;
      expect([renewAt / S, rebindAt / S].map((each) => Math.round(each))).toEqual([1791, 3134]);
    }
  });

  it('refused: the address goes at once, and it starts again after a pause', () => {
    const w = new World().bound({ t1: 1800, t2: 3150 });
    w.run(1800);
    expect(w.hear(DHCP_NAK)).toBe(true);
    w.run(1811);
    expect(w.told()).toEqual([
      '1800 REQUEST from 10.0.0.50 to 10.0.0.1',
      '1800 lost refused',
      '1810 DISCOVER',
    ]);
  });

  it('an address that somebody has is declined, and asked for again after ten seconds (section 3.1)', () => {
    const w = new World();
    w.client.start(0);
    w.run(0);
    w.hear(DHCP_OFFER);
    w.hear(DHCP_ACK);
    w.told();
    w.run(5);
    w.client.probed(5 * S, false);
    expect(w.client.lease).toBe(null);
    w.run(15);
    expect(w.told()).toEqual(['5 DECLINE wants 10.0.0.50 of 10.0.0.1', '15 DISCOVER']);
  });

  it('a conflict that defending did not end gives the address up (RFC 5227 section 2.4)', () => {
    const w = new World().bound();
    w.client.conflict(100 * S);
    expect(w.told()).toEqual(['100 lost conflict', '100 DECLINE wants 10.0.0.50 of 10.0.0.1']);
    w.client.conflict(101 * S);
    expect(w.told()).toEqual([]);
  });

  it('a lease for ever is never renewed; hostile ones (a second, a group’s address) are not taken', () => {
    const w = new World().bound({ lease: 0xffff_ffff });
    expect(w.client.nextTimeout()).toBe(Number.POSITIVE_INFINITY);
    const h = new World();
    h.client.start(0);
    h.run(0);
    expect(h.hear(DHCP_OFFER, { yours: '224.0.0.5' })).toBe(false);
    expect(h.hear(DHCP_OFFER, { yours: '127.0.0.1' })).toBe(false);
    expect(h.hear(DHCP_OFFER, { server: null })).toBe(false);
    expect(h.hear(DHCP_OFFER, { lease: 1 })).toBe(true);
    expect(h.hear(DHCP_ACK, { lease: 1 })).toBe(false);
    h.client.stop();
    h.told();
    h.run(1000);
    expect(h.told()).toEqual([]);
  });
});
