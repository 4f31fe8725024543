import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { CHECKSUM_PARTIAL } from '../channel/pool.js';
import { partialChecksum, pseudoSumAt, sumBytes, verifies } from '../wire/checksum.js';
import { frame, load, receive, send, testParty } from './link.test.helper.js';
import { memoryPair } from './memory.js';
import { LINKTYPE_ETHERNET, LINKTYPE_RAW, linkTypeOf, PcapLink, PcapWriter } from './pcap.js';

function collect() {
  const chunks: Uint8Array[] = [];
  return { sink: (c: Uint8Array) => chunks.push(c), bytes: () => Buffer.concat(chunks) };
}

describe('pcap writer', () => {
  it('writes what pcap-parser, an independent reader, reads', async () => {
    const out = collect();
    const writer = new PcapWriter(out.sink, {
      linkType: LINKTYPE_RAW,
      epoch: 1_700_000_000_000_000,
      snapLength: 50,
    });
    writer.write(1_500_000.4, frame(1, 40), 0, 40);
    writer.write(2_999_999.7, frame(2, 60), 0, 60);
    const require = createRequire(import.meta.url);
    const parser = require('pcap-parser').parse(Readable.from([out.bytes()]));
    const packets: { header: Record<string, number>; data: Buffer }[] = [];
    let head: Record<string, number> = {};
    parser.on('globalHeader', (h: Record<string, number>) => {
      head = h;
    });
    parser.on('packet', (p: { header: Record<string, number>; data: Buffer }) => packets.push(p));
    await new Promise((done) => parser.on('end', done));
    expect(head).toMatchObject({
      majorVersion: 2,
      minorVersion: 4,
      snapshotLength: 50,
      linkLayerType: LINKTYPE_RAW,
    });
    expect(packets.map((p) => p.header)).toMatchObject([
      {
        timestampSeconds: 1_700_000_001,
        timestampMicroseconds: 500_000,
        capturedLength: 40,
        originalLength: 40,
      },
      { timestampSeconds: 1_700_000_003, timestampMicroseconds: 0, capturedLength: 50, originalLength: 60 },
    ]);
    expect([...packets[1].data]).toEqual([...frame(2, 60).subarray(0, 50)]);
    expect(writer.packets).toBe(2);
  });

  it('writes nanoseconds under their own magic number', () => {
    const out = collect();
    new PcapWriter(out.sink, { linkType: LINKTYPE_ETHERNET, nanoseconds: true }).write(1.25, frame(1), 0, 4);
    const b = out.bytes();
    expect(b.readUInt32LE(0)).toBe(0xa1b23c4d);
    expect([b.readUInt32LE(24), b.readUInt32LE(28)]).toEqual([0, 1250]);
  });
});

describe('pcap link', () => {
  it('copies both ways and changes nothing', () => {
    const party = testParty();
    const out = collect();
    const [a, b] = memoryPair({ delay: 10, common: { framing: 'ip', mtu: 1300, gsoMaxSize: 9000 } });
    const link = new PcapLink(a, new PcapWriter(out.sink, { linkType: linkTypeOf(a) }));
    expect([link.name, link.framing, link.mtu, link.gsoMaxSize]).toEqual(['mem0', 'ip', 1300, 9000]);
    expect([link.checksumOffload, link.hardwareAddress]).toEqual([false, null]);
    expect(linkTypeOf(memoryPair()[0])).toBe(LINKTYPE_ETHERNET);
    send(link, 5, party, frame(1, 40));
    expect(b.takeFrame(15)?.bytes).toEqual(frame(1, 40));
    b.sendFrame(20, frame(2, 44));
    expect(link.nextEvent()).toBe(30);
    expect(receive(link, 30, party)).toEqual([{ time: 30, bytes: frame(2, 44) }]);
    const pcap = out.bytes();
    expect(pcap.length).toBe(24 + 16 + 40 + 16 + 44);
    expect([pcap.readUInt32LE(28), pcap[40]]).toEqual([5, 1]);
    expect([pcap.readUInt32LE(84), pcap[96]]).toEqual([30, 2]);
    link.close();
    expect(b.sendFrame(0, frame(1))).toBe(false);
  });

  it('fills in a checksum that was left to the link, in the capture only', () => {
    const party = testParty();
    const out = collect();
    const [a] = memoryPair({ common: { framing: 'ip', checksumOffload: true } });
    const link = new PcapLink(a, new PcapWriter(out.sink, { linkType: LINKTYPE_RAW }));
    const packet = frame(0x45, 61);
    const pseudo = partialChecksum(pseudoSumAt(packet, 12, 8, 6, 41));
    packet[36] = pseudo >>> 8;
    packet[37] = pseudo;
    const indices = load(party, packet);
    party.setChecksum(indices[0], CHECKSUM_PARTIAL);
    party.setCsumPlace(indices[0], 20, 16);
    link.transmit(0, party, indices, 1);
    const written = out.bytes().subarray(40);
    expect(verifies(sumBytes(written, 20, 61) + pseudoSumAt(written, 12, 8, 6, 41))).toBe(true);
    const start = party.start(indices[0]);
    expect(party.bytes.slice(start, start + 61)).toEqual(packet);
  });
});
