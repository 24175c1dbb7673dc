import { StreamMethods } from '../generated/classes/stream.js';

/** A channel for bulk data, between the program and a guest, a volume or another part of libvirt. */
export class Stream extends StreamMethods {
  protected override label(): string {
    return `0x${this.pointer.toString(16)}`;
  }
}
