import { StorageVolMethods } from '../generated/classes/storage_vol.js';

/** A volume of a storage pool. */
export class StorageVol extends StorageVolMethods {}
