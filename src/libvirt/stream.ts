import type { Duplex, Readable, Writable } from 'node:stream';
import { StreamMethods } from '../generated/classes/stream.js';
import { FlowDuplex, type FlowOptions, FlowReadable, FlowWritable } from './node_streams.js';
import { Flow } from './stream_flow.js';

/**
 * A channel for bulk data, between the program and a guest, a volume or another part of libvirt.
 *
 * `readable`, `writable` and `duplex` make a stream of Node of it, which owns it from then on. It has to be made with
 * VIR_STREAM_NONBLOCK, and opened by a function of libvirt (`volume.download`, `domain.openConsole`).
 */
export class Stream extends StreamMethods {
  readable(options?: FlowOptions): Readable {
    return new FlowReadable(async () => new Flow(this), options);
  }

  writable(options?: FlowOptions): Writable {
    return new FlowWritable(async () => new Flow(this), options);
  }

  duplex(options?: Pick<FlowOptions, 'signal'>): Duplex {
    return new FlowDuplex(new Flow(this), options);
  }

  protected override label(): string {
    return `0x${this.pointer.toString(16)}`;
  }
}
