// The classic capture format (draft-ietf-opsawg-pcap), version 2.4, little endian, microsecond or nanosecond: produces bytes;
// whoever calls writes them.

export const LINKTYPE_ETHERNET = 1;
/** Packets that begin with their IPv4 or IPv6 header. */
export const LINKTYPE_RAW = 101;
/** Longest part of a packet that is kept when nothing else is asked for: libpcap's largest. */
export const SNAPSHOT_LENGTH = 262_144;

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
export const RECORD_HEADER_BYTES = 16;

/** The 24-byte file header. */
export function fileHeader(
  linkType: number,
  nanosecond = false,
  snapshotLength = SNAPSHOT_LENGTH,
): Uint8Array {
  const out = new Uint8Array(24);
  const view = new DataView(out.buffer);
  view.setUint32(0, nanosecond ? MAGIC_NANOSECONDS : MAGIC_MICROSECONDS, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, snapshotLength, true);
  view.setUint32(20, linkType, true);
  return out;
}

/** One record: header and packet. The fraction is cut to microseconds unless the file is a nanosecond one. */
export function record(
  time: { readonly seconds: number; readonly nanoseconds: number },
  data: Uint8Array,
  originalLength = data.length,
  nanosecond = false,
): Uint8Array {
  const out = new Uint8Array(RECORD_HEADER_BYTES + data.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, time.seconds, true);
  view.setUint32(4, nanosecond ? time.nanoseconds : Math.floor(time.nanoseconds / 1000), true);
  view.setUint32(8, data.length, true);
  view.setUint32(12, originalLength, true);
  out.set(data, RECORD_HEADER_BYTES);
  return out;
}
