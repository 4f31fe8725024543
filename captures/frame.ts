// One captured frame, whichever file format it came from, and the link types that have a name here.

export { LINKTYPE_ETHERNET, LINKTYPE_RAW } from '../stack/link/pcap-format.js';

/** More link types (LINKTYPE_ values of the tcpdump registry) that `networkLayer` can read. */
export const LINKTYPE_NULL = 0;
export const LINKTYPE_RAW_BSD = 12;
export const LINKTYPE_LOOP = 108;
export const LINKTYPE_LINUX_SLL = 113;
export const LINKTYPE_IPV4 = 228;
export const LINKTYPE_IPV6 = 229;
export const LINKTYPE_LINUX_SLL2 = 276;

export interface Frame {
  /** Position in the file, from 1, as Wireshark counts. */
  readonly number: number;
  /** Capture time: seconds since the epoch and nanoseconds within the second. */
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly linkType: number;
  /** Index of the interface in its section (pcapng), 0 otherwise. */
  readonly interfaceId: number;
  /** Length on the wire; `data` is shorter when the capture was snapped. */
  readonly originalLength: number;
  readonly data: Uint8Array;
  readonly comments: readonly string[];
}

/** True when the capture holds only the beginning of the packet. */
export const isSnapped = (frame: Frame): boolean => frame.data.length < frame.originalLength;

/** Microseconds from `base` to `frame` (exact to the nanosecond for gaps below some months). */
export function microsecondsSince(base: Frame, frame: Frame): number {
  return (frame.seconds - base.seconds) * 1e6 + (frame.nanoseconds - base.nanoseconds) / 1e3;
}
