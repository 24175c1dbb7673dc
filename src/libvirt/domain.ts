import type { Duplex } from 'node:stream';
import { DomainMethods } from '../generated/classes/domain.js';
import type { FlowOptions } from './node_streams.js';
import { openDuplex, openScreenshot, type Screenshot } from './streams.js';

/** Options of a stream, and libvirt's flags of the call that opens it. */
export interface OpenOptions extends Pick<FlowOptions, 'signal'> {
  readonly flags?: number | undefined;
}

/** A guest. */
export class Domain extends DomainMethods {
  /** `virDomainOpenConsole` as a stream of Node. Without a name it is the guest's first console. end() closes it. */
  openConsoleStream(device?: string | null, { flags, ...options }: OpenOptions = {}): Promise<Duplex> {
    return openDuplex(this, (stream) => this.openConsole(device, stream, flags), options);
  }

  /** `virDomainOpenChannel` as a stream of Node. Without a name it is the guest's first channel. end() closes it. */
  openChannelStream(name?: string | null, { flags, ...options }: OpenOptions = {}): Promise<Duplex> {
    return openDuplex(this, (stream) => this.openChannel(name, stream, flags), options);
  }

  /** `virDomainScreenshot` as a stream of Node, which knows the picture's `mimeType`. */
  screenshotStream(screen = 0, { flags, ...options }: OpenOptions = {}): Promise<Screenshot> {
    return openScreenshot(this, screen, flags, options);
  }
}
