// IP packets out of their fragments, as somebody who only looks on puts them together: what came first stands where
// pieces overlap, no timer gives up, and a packet is whole as soon as its pieces reach to its last one's end. (A host
// drops what overlaps, RFC 5722; a capture is to show what was sent.) Memory is bounded. Knows no TCP.

interface Piece {
  readonly offset: number;
  readonly data: Uint8Array;
}

interface Parts {
  /** By place; of those that begin at the same one the first to come is in front. */
  readonly pieces: Piece[];
  readonly lengths: number[];
  bytes: number;
  /** Where the last fragment ends, -1 before it came. */
  total: number;
}

export interface Whole {
  readonly payload: Uint8Array;
  /** Lengths of the pieces in the order they came. */
  readonly lengths: readonly number[];
}

/** Pieces of one packet: 65,535 bytes in the smallest fragments. */
const MOST_PIECES = 8192;
const MOST_PAYLOAD = 65_535;
/** What a piece costs besides its bytes. */
const PIECE_COST = 64;

export class FragmentTable {
  private readonly packets = new Map<string, Parts>();
  private readonly memory: number;
  private held = 0;
  /** Packets given up because too much was held. */
  dropped = 0;

  /** @param memory bytes of incomplete packets that are kept at most */
  constructor(memory: number) {
    this.memory = memory;
  }

  /** Takes in one fragment's payload (copied); the whole packet's when it was the last one missing. */
  add(key: string, offset: number, last: boolean, data: Uint8Array): Whole | null {
    let parts = this.packets.get(key);
    if (parts === undefined) {
      parts = { pieces: [], lengths: [], bytes: 0, total: -1 };
      this.packets.set(key, parts);
    }
    if (last && parts.total < 0) parts.total = offset + data.length;
    const cost = data.length + PIECE_COST;
    insert(parts.pieces, { offset, data: data.slice() });
    parts.lengths.push(data.length);
    parts.bytes += cost;
    this.held += cost;
    const end = parts.total < 0 ? -1 : contiguous(parts.pieces);
    if (end >= 0 && end >= parts.total) {
      this.forget(key, parts);
      return end > MOST_PAYLOAD ? null : { payload: joined(parts.pieces, end), lengths: parts.lengths };
    }
    if (parts.pieces.length > MOST_PIECES) this.giveUp(key, parts);
    for (const [oldest, old] of this.packets) {
      if (this.held <= this.memory) break;
      this.giveUp(oldest, old);
    }
    return null;
  }

  private giveUp(key: string, parts: Parts): void {
    this.dropped++;
    this.forget(key, parts);
  }

  private forget(key: string, parts: Parts): void {
    this.packets.delete(key);
    this.held -= parts.bytes;
  }
}

function insert(pieces: Piece[], piece: Piece): void {
  let at = pieces.length;
  while (at > 0 && pieces[at - 1]!.offset > piece.offset) at--;
  pieces.splice(at, 0, piece);
}

/** Bytes from 0 on without a hole. */
function contiguous(pieces: readonly Piece[]): number {
  let end = 0;
  for (const { offset, data } of pieces) {
    if (offset > end) break;
    end = Math.max(end, offset + data.length);
  }
  return end;
}

function joined(pieces: readonly Piece[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let end = 0;
  for (const { offset, data } of pieces) {
    if (offset + data.length <= end) continue;
    whole.set(data.subarray(end - offset), end);
    end = offset + data.length;
  }
  return whole;
}
