import type { Readable, Writable } from 'node:stream';
import { StorageVolMethods } from '../generated/classes/storage_vol.js';
import { downloadFile, readVolume, type TransferOptions, uploadFile, writeVolume } from './streams.js';

/** A volume of a storage pool. */
export class StorageVol extends StorageVolMethods {
  /** `virStorageVolDownload` as a stream of Node. With `sparse` holes are not transferred; they read as zeros. */
  createReadStream(options: TransferOptions = {}): Readable {
    return readVolume(this, options);
  }

  /**
   * `virStorageVolUpload` as a stream of Node. With `sparse`, blocks of 64 KiB that are zero become holes: for a new
   * volume only, as libvirt leaves what stood in the place of a hole, and cuts the volume behind it.
   */
  createWriteStream(options: TransferOptions = {}): Writable {
    return writeVolume(this, options);
  }

  /** Writes the volume to a local file. With `sparse` the file has holes where the volume has them. */
  downloadFile(path: string, options: TransferOptions = {}): Promise<void> {
    return downloadFile(this, path, options);
  }

  /** Fills the volume from a local file; about `sparse` see createWriteStream. */
  uploadFile(path: string, options: TransferOptions = {}): Promise<void> {
    return uploadFile(this, path, options);
  }
}
