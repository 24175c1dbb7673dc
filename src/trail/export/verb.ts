/** What kind of act a libvirt function is, in a few words that the vocabularies of other systems can be set against. */
import { functionsByName } from '../../generated/api.js';

export type Verb =
  | 'connect'
  | 'disconnect'
  | 'read'
  | 'create'
  | 'configure'
  | 'update'
  | 'delete'
  | 'start'
  | 'stop'
  | 'restart'
  | 'suspend'
  | 'resume'
  | 'save'
  | 'restore'
  | 'capture'
  | 'migrate';

/** Classes of functions that change nothing. */
const READING = new Set(['lookup', 'query', 'local-query', 'event-reg', 'helper', 'data-access']);

/** The first one that fits decides. Names are without `vir`. */
const BY_NAME: readonly (readonly [RegExp, Verb])[] = [
  [/^((Adm)?ConnectOpen|DomainOpen)/, 'connect'],
  [/^(Adm)?(Connect|Client)Close$/, 'disconnect'],
  [/(Undefine(Flags)?|Delete|DelIOThread|DelThrottleGroup|ManagedSaveRemove)$/, 'delete'],
  [/(Upload|Wipe|WipePattern|OpenNamespace|FDAssociate)$/, 'update'],
  [/^(AdmServer|AdmConnect|Secret|Stream(Recv|SparseRecv))\w*(Get|List|Lookup|Recv)/, 'read'],
  [/^Domain(Snapshot|Checkpoint)CreateXML$/, 'capture'],
  [/(Restore|RestoreFlags|RestoreParams|RevertToSnapshot)$/, 'restore'],
  [/^Domain(Save|SaveFlags|SaveParams|ManagedSave|CoreDump|CoreDumpWithFormat|BackupBegin)$/, 'save'],
  [/^DomainMigrate(\d|ToURI\d?|StartPostCopy)?$/, 'migrate'],
  [/Create(XML\w*)?$/, 'create'],
  [/DefineXML(Flags)?$/, 'configure'],
  [/(Destroy|Shutdown|Abort)(Flags)?$/, 'stop'],
  [/(Reboot|Reset)$/, 'restart'],
  [/(Suspend|SuspendForDuration)$/, 'suspend'],
  [/(Resume|PMWakeup)$/, 'resume'],
];

/** Creating these starts what is defined already. */
const STARTING =
  /^(DomainCreate(Linux|WithFlags|WithFiles)?|(Network|StoragePool|Interface|NodeDevice)Create|DomainQemuAttach)$/;

export function verbOf(event: string): Verb {
  const name = event.replace(/^vir/, '');
  if (STARTING.test(name)) return 'start';
  const verb = BY_NAME.find(([pattern]) => pattern.test(name))?.[1];
  if (verb !== undefined) return verb;
  return READING.has(functionsByName.get(event)?.class ?? '') ? 'read' : 'update';
}
