// Writes frames to a capture file, classic or pcapng by the name's end. Used by the command line.

import { closeSync, openSync, writeSync } from 'node:fs';
import { fileHeader, record } from '../../stack/link/pcap-format.js';
import { CaptureError } from '../errors.js';
import type { Frame } from '../frame.js';
import { enhancedPacket, interfaceDescription, sectionHeader } from './pcapng.js';

export class CaptureFile {
  private readonly fd: number;
  private readonly next: boolean;
  private linkTypes: number[] = [];

  /** @param path `….pcapng` or `….pcap`. Throws as node:fs does. */
  constructor(path: string) {
    this.fd = openSync(path, 'w');
    this.next = path.endsWith('.pcapng');
    if (this.next) this.put(sectionHeader());
  }

  /** @throws CaptureError UNSUPPORTED_LINK_TYPE: a classic file holds one link type only */
  write(frame: Frame): void {
    let id = this.linkTypes.indexOf(frame.linkType);
    if (id < 0) {
      id = this.linkTypes.push(frame.linkType) - 1;
      if (this.next) this.put(interfaceDescription(frame.linkType));
      else if (id === 0) this.put(fileHeader(frame.linkType, true));
      else {
        throw new CaptureError(
          'UNSUPPORTED_LINK_TYPE',
          `frame ${frame.number} has link type ${frame.linkType}, the ones before ${this.linkTypes[0]}: write a pcapng file`,
        );
      }
    }
    this.put(
      this.next
        ? enhancedPacket(id, frame, frame.data, frame.originalLength, frame.comments)
        : record(frame, frame.data, frame.originalLength, true),
    );
  }

  close(): void {
    // A classic file without frames still has its header.
    if (!this.next && this.linkTypes.length === 0) this.put(fileHeader(1, true));
    closeSync(this.fd);
  }

  private put(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at);
  }
}
