// May this packet be sent in this channel's name? A channel cannot speak for another: the source (and for a flow the
// destination) must be its key's. It must never judge anything else in the packet.

import type { PacketBuffers } from '../channel/buffers.js';
import { type ChannelWriter, SPEAKS_ANY, SPEAKS_FLOW } from '../channel/channel.js';
import { keyOf, swapSides } from '../flows/classify.js';
import { KEY_WORDS, KIND_ANY } from '../flows/key.js';

/** `words` hold the channel's key at `writer.keyAt`; `key` is scratch. */
export function maySend(
  writer: ChannelWriter,
  words: Int32Array,
  buffers: PacketBuffers,
  index: number,
  key: Int32Array,
): boolean {
  if (writer.speaks === SPEAKS_ANY) return true;
  const l3 = buffers.l3Offset(index);
  const start = buffers.start(index) + l3;
  const zone = buffers.interface(index);
  if (!keyOf(buffers.bytes, start, buffers.length(index) - l3, zone, key, 0)) return false;
  swapSides(key, 0);
  const at = writer.keyAt;
  if (writer.speaks === SPEAKS_FLOW) {
    for (let i = 0; i < KEY_WORDS; i++) if (key[i] !== words[at + i]) return false;
    return true;
  }
  // A listener or an unconnected socket: its protocol and port, and its address unless that is wild.
  if ((key[0] & 0xff) !== (words[at] & 0xff) || key[1] >>> 16 !== words[at + 1] >>> 16) return false;
  if (((words[at] >>> 12) & 15) === KIND_ANY) return true;
  for (let i = 2; i < 6; i++) if (key[i] !== words[at + i]) return false;
  return true;
}

/** Whether the address of an address key is all zero, or 0.0.0.0: it speaks for nobody (RFC 4291 section 2.5.2). */
export function isUnspecifiedKey(key: Int32Array): boolean {
  return key[2] === 0 && key[3] === 0 && (key[4] === 0 || key[4] === 0xffff) && key[5] === 0;
}
