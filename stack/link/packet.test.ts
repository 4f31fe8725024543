import { describe, expect, it } from 'vitest';
import { workerReport } from '../../test/worker-report.js';
import { openPacketSocket } from './linux/packet-socket.js';
import { PacketLink } from './packet.js';
import { lackOfTun, skipWithoutTun } from './require-tun.test.helper.js';

describe.skipIf(skipWithoutTun())(`a packet socket on veth (skipped: ${lackOfTun()})`, () => {
  it.each([true, false])(
    'sends batches and receives through mapped rings that wrap, and outlives its interface, offload %s',
    async (offload) => {
      const url = new URL('./packet-worker.test.helper.js', import.meta.url);
      const report = await workerReport(url, { offload, rounds: 20 });
      expect(report).toEqual({
        sent: 80,
        replies: 80,
        dropped: 0,
        mtu: 1500,
        errors: 0,
        told: true,
        quiet: true,
        again: true,
        gone: 'ENODEV',
      });
    },
  );

  it('says that the interface is not there', () => {
    expect(() => new PacketLink({ interface: 'nc-none' })).toThrow(/ENODEV.*is there an interface nc-none/);
  });

  it('refuses a ring that is no power of two', () => {
    const options = { interface: 'lo', slots: 12, offload: false, frameBytes: 1514, promiscuous: false };
    expect(() => openPacketSocket(options)).toThrow(RangeError);
  });
});
