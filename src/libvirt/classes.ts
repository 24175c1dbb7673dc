/** All classes: those with additions written by hand, and those that are generated whole. */
import { AdmClient } from '../generated/classes/adm_client.js';
import { AdmServer } from '../generated/classes/adm_server.js';
import { DomainCheckpoint } from '../generated/classes/domain_checkpoint.js';
import { DomainSnapshot } from '../generated/classes/domain_snapshot.js';
import { Interface } from '../generated/classes/interface.js';
import { Network } from '../generated/classes/network.js';
import { NetworkPort } from '../generated/classes/network_port.js';
import { NodeDevice } from '../generated/classes/node_device.js';
import { NWFilter } from '../generated/classes/nwfilter.js';
import { NWFilterBinding } from '../generated/classes/nwfilter_binding.js';
import { Secret } from '../generated/classes/secret.js';
import { StoragePool } from '../generated/classes/storage_pool.js';
import { AdmConnection } from './adm_connection.js';
import { Connection } from './connection.js';
import { Domain } from './domain.js';
import { kinds } from './kinds.js';
import { StorageVol } from './storage_vol.js';
import { Stream } from './stream.js';

const all = {
  ...{ AdmClient, AdmConnection, AdmServer, Connection, Domain, DomainCheckpoint, DomainSnapshot, Interface },
  ...{ Network, NetworkPort, NodeDevice, NWFilter, NWFilterBinding, Secret, StoragePool, StorageVol, Stream },
};

Object.assign(kinds, all);

export {
  AdmClient,
  AdmConnection,
  AdmServer,
  Connection,
  Domain,
  DomainCheckpoint,
  DomainSnapshot,
  Interface,
  Network,
  NetworkPort,
  NodeDevice,
  NWFilter,
  NWFilterBinding,
  Secret,
  StoragePool,
  StorageVol,
  Stream,
};
