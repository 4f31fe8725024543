// The shapes of pcap-parser 0.2.1, which ships none.
declare module 'pcap-parser' {
  import type { EventEmitter } from 'node:events';
  import type { Readable } from 'node:stream';

  interface PacketHeader {
    timestampSeconds: number;
    timestampMicroseconds: number;
    capturedLength: number;
    originalLength: number;
  }

  interface Parser extends EventEmitter {
    /** Bytes received and not yet parsed. */
    readonly buffer: Buffer | null;
    on(event: 'packetHeader', listener: (header: PacketHeader) => void): this;
    on(event: 'packet', listener: (packet: { header: PacketHeader; data: Buffer }) => void): this;
    on(event: 'error', listener: (error: Error) => void): this;
    on(event: 'end', listener: () => void): this;
  }

  const pcapParser: { parse(input: string | Readable): Parser };
  export default pcapParser;
}
