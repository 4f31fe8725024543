// What the `ip` target sends to a stack: whole datagrams in fragments of every kind and order, echo requests, errors,
// neighbour messages, and damaged packets. Plain JSON. Knows no stack.

import * as fc from 'fast-check';
import { hexOf } from '../target.js';
import { configurationPacket, type DhcpAnswer, dhcpAnswer } from './configuration-arbitrary.js';
import { damagedPacket, rightPacket } from './packets-arbitrary.js';

export interface Datagram {
  readonly v6: boolean;
  /** Which of two peers sends it. */
  readonly source: number;
  readonly id: number;
  /** Bytes of UDP payload. */
  readonly size: number;
  /** Where it is cut, in eighths of bytes of IP payload. */
  readonly cuts: readonly number[];
}

export type IpCommand =
  | { readonly op: 'whole'; readonly datagram: number; readonly order: number; readonly twice: boolean }
  /** Two datagrams of different peers under one identification, their pieces by turns. */
  | { readonly op: 'mixed'; readonly datagram: number }
  | { readonly op: 'overlap'; readonly datagram: number; readonly by: number }
  /** A packet of any protocol in two fragments, of which one never comes, until it is given up. */
  | { readonly op: 'half'; readonly bytes: string; readonly cut: number; readonly second: boolean }
  | { readonly op: 'piece'; readonly datagram: number; readonly piece: number }
  | { readonly op: 'echo'; readonly v6: boolean; readonly size: number; readonly group: boolean }
  | { readonly op: 'raw'; readonly bytes: string; readonly ethernet: boolean }
  | { readonly op: 'arp'; readonly operation: number; readonly own: boolean; readonly hardware: number }
  /** An answer of a DHCP server to what the stack asked last; the rest of what configures a host comes as 'raw'. */
  | { readonly op: 'dhcp'; readonly answer: DhcpAnswer }
  | { readonly op: 'send'; readonly v6: boolean; readonly to: number; readonly size: number }
  | { readonly op: 'time'; readonly us: number };

export interface IpInput {
  readonly ethernet: boolean;
  readonly datagrams: readonly Datagram[];
  readonly commands: readonly IpCommand[];
}

const size = fc.oneof(fc.constantFrom(0, 1, 8, 100, 1472, 4000, 30_000, 65_000), fc.nat(3000));
const datagram: fc.Arbitrary<Datagram> = fc.record({
  v6: fc.boolean(),
  source: fc.nat(1),
  id: fc.nat(5),
  size,
  cuts: fc.array(fc.oneof(fc.nat(400), fc.nat(9000)), { maxLength: 5 }),
});

const which = fc.nat(3);
const command: fc.Arbitrary<IpCommand> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant('whole' as const),
      datagram: which,
      order: fc.nat(119),
      twice: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('mixed' as const), datagram: which }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('overlap' as const),
      datagram: which,
      by: fc.constantFrom(8, 16, 64),
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({
        packet: fc.boolean().chain(rightPacket),
        cut: fc.nat(200),
        second: fc.constantFrom(false, false, true),
      })
      .map(({ packet, cut, second }) => ({ op: 'half' as const, bytes: hexOf(packet), cut, second })),
  },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant('piece' as const), datagram: which, piece: fc.nat(5) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('echo' as const),
      v6: fc.boolean(),
      size: fc.constantFrom(0, 1, 7, 56, 1000, 1400),
      group: fc.constantFrom(false, false, true),
    }),
  },
  {
    weight: 6,
    arbitrary: fc
      .record({ packet: fc.oneof(damagedPacket, fc.boolean().chain(rightPacket)), ethernet: fc.boolean() })
      .map(({ packet, ethernet }) => ({ op: 'raw' as const, bytes: hexOf(packet), ethernet })),
  },
  {
    weight: 1,
    arbitrary: fc
      .uint8Array({ maxLength: 80 })
      .map((bytes) => ({ op: 'raw' as const, bytes: hexOf(bytes), ethernet: false })),
  },
  {
    weight: 4,
    arbitrary: configurationPacket.map((bytes) => ({
      op: 'raw' as const,
      bytes: hexOf(bytes),
      ethernet: false,
    })),
  },
  { weight: 2, arbitrary: dhcpAnswer.map((answer) => ({ op: 'dhcp' as const, answer })) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('arp' as const),
      operation: fc.nat(3),
      own: fc.boolean(),
      hardware: fc.nat(255),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('send' as const),
      v6: fc.boolean(),
      to: fc.nat(9),
      size: fc.constantFrom(0, 10, 1472, 5000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(1000, 1_000_000, 31_000_000, 61_000_000)
      .map((us) => ({ op: 'time' as const, us })),
  },
);

export const ipInput: fc.Arbitrary<IpInput> = fc.record({
  ethernet: fc.constantFrom(false, false, true),
  datagrams: fc.array(datagram, { minLength: 1, maxLength: 4 }),
  commands: fc.array(command, { maxLength: 25, size: 'max' }),
});
