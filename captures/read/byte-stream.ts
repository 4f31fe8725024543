// Reads exact runs of bytes from a stream of chunks, keeping no more than was asked for plus one chunk.
import type { Readable } from 'node:stream';

export class ByteStream {
  /** Offset in the file of the next byte. */
  offset = 0;
  private readonly chunks: AsyncIterator<Buffer>;
  private held: Buffer = Buffer.alloc(0);

  constructor(input: Readable) {
    this.chunks = input[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** Makes `count` bytes available and returns them without consuming; fewer when the stream ends before. */
  async peek(count: number): Promise<Buffer> {
    if (this.held.length < count) {
      const parts = [this.held];
      let have = this.held.length;
      while (have < count) {
        const next = await this.chunks.next();
        if (next.done) break;
        parts.push(next.value);
        have += next.value.length;
      }
      this.held = Buffer.concat(parts);
    }
    return this.held.subarray(0, count);
  }

  /** Consumes `count` bytes; the result is shorter when the stream ends before. */
  async read(count: number): Promise<Buffer> {
    const bytes = await this.peek(count);
    this.held = this.held.subarray(bytes.length);
    this.offset += bytes.length;
    return bytes;
  }
}
