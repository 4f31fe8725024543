// Writes classic pcap 2.4, little endian, microsecond or nanosecond. Produces bytes; whoever calls writes them.

/** The 24-byte file header. */
export function fileHeader(linkType: number, nanosecond = false, snapshotLength = 262_144): Uint8Array {
  const out = new Uint8Array(24);
  const view = new DataView(out.buffer);
  view.setUint32(0, nanosecond ? 0xa1b23c4d : 0xa1b2c3d4, true);
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
  const out = new Uint8Array(16 + data.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, time.seconds, true);
  view.setUint32(4, nanosecond ? time.nanoseconds : Math.floor(time.nanoseconds / 1000), true);
  view.setUint32(8, data.length, true);
  view.setUint32(12, originalLength, true);
  out.set(data, 16);
  return out;
}
