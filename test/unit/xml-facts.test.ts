// The facts of XML, by the code that the shim judges with: each in its usual form, and in those that would dodge a rule.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type ApiFunction, functions } from '../../src/generated/api.js';
import { xmlFunctions } from '../../src/generated/xml_facts.js';
import { xmlFactNames } from '../../src/policy/xml_facts.js';
import { xpathProblem } from '../../src/policy/xpath.js';
import { ROOT } from '../support/paths.js';
import { type CallArguments, isReadable, probe, valuesOf } from '../support/xml_facts.js';

const QEMU = "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'";

const devices = (inner: string) => `<domain type='kvm'><devices>${inner}</devices></domain>`;
const guest = (inner: string, attributes = '') => `<domain type='kvm' ${attributes}>${inner}</domain>`;
const disk = (inner: string, attributes = "type='file' device='disk'") =>
  devices(`<disk ${attributes}>${inner}</disk>`);
const memory = (value: string, unit?: string) =>
  guest(`<memory${unit === undefined ? '' : ` unit='${unit}'`}>${value}</memory>`);

type Case = readonly [fact: string, xml: string, values: readonly (string | number | boolean)[] | null];

const disks: readonly Case[] = [
  ['disk-source', disk("<source file='/a/b.img'/>"), ['/a/b.img']],
  ['disk-source', disk("<source dev='/dev/sda'/>", "type='block'"), ['/dev/sda']],
  ['disk-source', disk("<source dir='/srv'/>", "type='dir'"), ['/srv']],
  ['disk-source', disk("<source protocol='rbd' name='pool/image'/>", "type='network'"), ['pool/image']],
  ['disk-source', disk("<source pool='p' volume='v.img'/>", "type='volume'"), ['v.img']],
  ['disk-source', disk("<source type='unix' path='/run/vhost.sock'/>", "type='vhostuser'"), ['/run/vhost.sock']],
  [
    'disk-source',
    disk("<source file='/top'/><backingStore><source file='/base'/><backingStore/></backingStore>"),
    ['/top', '/base'],
  ],
  ['disk-source', disk("<source file='/a'/><mirror><source file='/copy'/></mirror>"), ['/a', '/copy']],
  ['disk-source', disk("<source file='/a'/><mirror file='/old'/>"), ['/a', '/old']],
  ['disk-source', "<disk type='file'><source file='/plugged'/></disk>", ['/plugged']],
  ['disk-source', disk("<source><reservations><source path='/run/pr'/></reservations></source>"), ['/run/pr']],
  [
    'disk-source',
    disk("<source protocol='rbd' name='a'><config file='/etc/ceph/x'/><identity keyfile='/k'/></source>"),
    ['/etc/ceph/x', '/k', 'a'],
  ],
  [
    'disk-source',
    "<domainsnapshot><disks><disk name='vda'><source file='/o'/></disk></disks></domainsnapshot>",
    ['/o'],
  ],
  ['disk-source', disk("<target dev='vda'/>"), []],
  // Spellings.
  ['disk-source', disk("<source file='/images/../etc/shadow'/>"), ['/images/../etc/shadow', '/etc/shadow']],
  ['disk-source', disk("<source file='//etc///./shadow'/>"), ['/etc/shadow']],
  ['disk-source', disk("<source file='etc/shadow'/>"), ['etc/shadow', '/etc/shadow']],
  ['disk-source', disk("<source file='/../../etc/'/>"), ['/../../etc/', '/etc']],
  ['disk-source', disk("<source file='/&#x65;tc/sh&#97;dow'/>"), ['/etc/shadow']],
  ['disk-source', disk("<source file='/a'/><source file='/b'/>"), ['/a', '/b']],
  ['disk-source', disk("<SOURCE file='/a'/>"), []],
  ['disk-source', disk("<!-- <source file='/comment'/> -->"), []],
  ['disk-source', disk("<source><![CDATA[<source file='/text'/>]]></source>"), []],
  ['disk-type', disk("<source file='/a'/>", ''), ['file']],
  ['disk-type', disk('', "type='network'"), ['network']],
  ['disk-device', disk('', ''), ['disk']],
  ['disk-device', disk('', "device='lun'"), ['lun']],
  ['disk-format', disk("<driver name='qemu' type='qcow2'/>"), ['qcow2']],
  ['disk-format', disk(''), ['']],
  ['disk-encrypted', disk("<source file='/a'/>"), [false]],
  ['disk-encrypted', disk("<source file='/a'><encryption format='luks'/></source>"), [true]],
  ['disk-encrypted', disk("<source file='/a'/><encryption format='luks'/>"), [true]],
  ['disk-encrypted', disk("<source file='/a'/><source file='/b'><encryption/></source>"), [false]],
  ['disk-encrypted', disk('', "device='cdrom'"), []],
  ['disk-encrypted', devices('<disk/><disk><encryption/></disk>'), [false, true]],
  ['disk-readonly', disk('<readonly/>'), [true]],
  ['disk-readonly', disk('', "device='cdrom'"), [true]],
  ['disk-readonly', disk(''), [false]],
  ['disk-pool', disk("<source pool='default' volume='v'/>"), ['default']],
  ['disk-host', disk("<source protocol='nbd'><host name='nbd.example.com' port='1'/></source>"), ['nbd.example.com']],
  ['disk-host', disk("<source><host transport='unix' socket='/run/../x'/></source>"), ['/run/../x', '/x']],
  ['disk-protocol', disk("<source protocol='nbd'/>"), ['nbd']],
  ['backing-store', disk("<backingStore type='file'><source file='/base'/></backingStore>"), ['/base']],
  ['backing-store', '<volume><backingStore><path>/pool//base</path></backingStore></volume>', ['/pool/base']],
];

const host: readonly Case[] = [
  ['filesystem-source', devices("<filesystem type='mount'><source dir='/'/></filesystem>"), ['/']],
  ['filesystem-source', devices("<filesystem type='ram'><source usage='1'/></filesystem>"), []],
  ['character-path', devices("<serial type='dev'><source path='/dev/ttyS0'/></serial>"), ['/dev/ttyS0']],
  [
    'character-path',
    devices("<console><source path='/c'/><log file='/var/log/../c'/></console>"),
    ['/c', '/var/log/../c', '/var/c'],
  ],
  ['character-path', devices("<channel type='unix'><source mode='bind' path='/run/s'/></channel>"), ['/run/s']],
  ['character-host', devices("<serial type='tcp'><source mode='connect' host='h' service='1'/></serial>"), ['h']],
  ['character-tls', devices("<serial type='tcp'><source host='h' tls='yes'/></serial>"), [true]],
  ['character-tls', devices("<serial type='tcp'><source host='h'/></serial>"), [false]],
  ['character-tls', devices("<serial type='pty'/>"), []],
  ['device-path', devices("<rng model='virtio'><backend model='random'>/dev/random</backend></rng>"), ['/dev/random']],
  ['device-path', devices("<input type='evdev'><source dev='/dev/input/event1'/></input>"), ['/dev/input/event1']],
  [
    'device-path',
    devices("<tpm><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>"),
    ['/dev/tpm0'],
  ],
  ['device-path', devices("<shmem name='a'><server path='/run/s'/></shmem>"), ['/run/s']],
  ['device-path', guest("<sysinfo type='fwcfg'><entry name='a' file='/etc/shadow'/></sysinfo>"), ['/etc/shadow']],
  ['device-path', devices("<interface><backend type='passt' logFile='/etc/x'/></interface>"), ['/etc/x']],
  ['hostdev', devices(''), [0]],
  ['hostdev', devices("<hostdev/><interface type='hostdev'/><disk type='nvme'/><interface type='network'/>"), [3]],
  ['hostdev', '<hostdev mode="subsystem" type="usb"/>', [1]],
  ['hostdev-type', devices("<hostdev type='usb'/><interface type='hostdev'/>"), ['usb', 'pci']],
];

const address = (attributes: string) =>
  devices(`<hostdev type='pci'><source><address ${attributes}/></source></hostdev>`);
const addresses: readonly Case[] = [
  ['hostdev-address', address("domain='0x0000' bus='0x03' slot='0x00' function='0x0'"), ['pci:0000:03:00.0']],
  ['hostdev-address', address("bus='3' slot='0X1F' function='07'"), ['pci:0000:03:1f.7']],
  ['hostdev-address', address("bus='010' slot='0' function='0'"), ['pci:0000:08:00.0']],
  ['hostdev-address', address("bus='x' slot='0' function='0'"), null],
  ['hostdev-address', address("bus='1' device='4'"), ['usb:1.4']],
  [
    'hostdev-address',
    devices("<hostdev><source><vendor id='0x46d'/><product id='0xC52B'/></source></hostdev>"),
    ['usb:046d:c52b'],
  ],
  [
    'hostdev-address',
    devices("<hostdev><source><adapter name='scsi_host0'/><address bus='0' target='1' unit='2'/></source></hostdev>"),
    ['scsi:scsi_host0:0:1:2'],
  ],
  [
    'hostdev-address',
    address("uuid='C2177883F1BB47F0914D32A22E3A8804'"),
    ['mdev:c2177883-f1bb-47f0-914d-32a22e3a8804'],
  ],
  ['hostdev-address', address("uuid='c2177883'"), null],
  ['hostdev-address', devices("<hostdev><source wwpn='naa.5123'/></hostdev>"), ['scsi_host:naa.5123']],
];

const extensions: readonly Case[] = [
  ['qemu-commandline', guest(''), [false]],
  ['qemu-commandline', guest("<qemu:commandline><qemu:arg value='-s'/></qemu:commandline>", QEMU), [true]],
  ['qemu-commandline', guest('<commandline/>'), [false]],
  // The prefix is the document's own affair, the URI is not.
  [
    'qemu-commandline',
    "<domain xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:commandline/></domain>",
    [true],
  ],
  ['qemu-commandline', "<domain><commandline xmlns='http://libvirt.org/schemas/domain/qemu/1.0'/></domain>", [true]],
  ['qemu-commandline', `<domainsnapshot><domain ${QEMU}><qemu:commandline/></domain></domainsnapshot>`, [true]],
  [
    'qemu-argument',
    guest("<qemu:commandline><qemu:arg value='-s'/><qemu:arg value='x'/></qemu:commandline>", QEMU),
    ['-s', 'x'],
  ],
  ['qemu-argument', guest("<qemu:commandline><qemu:arg qemu:value='-s'/></qemu:commandline>", QEMU), ['-s']],
  [
    'qemu-environment',
    guest("<qemu:commandline><qemu:env name='LD_PRELOAD' value='/x.so'/></qemu:commandline>", QEMU),
    ['LD_PRELOAD'],
  ],
  ['qemu-override', guest('<qemu:override/>', QEMU), [true]],
  ['qemu-override', guest("<qemu:capabilities><qemu:add capability='x'/></qemu:capabilities>", QEMU), [true]],
  ['qemu-override', guest(''), [false]],
  [
    'extension',
    "<domain xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:commandline/></domain>",
    ['qemu:commandline'],
  ],
  [
    'extension',
    "<pool xmlns:f='http://libvirt.org/schemas/storagepool/fs/1.0'><f:mount_opts/></pool>",
    ['fs:mount_opts'],
  ],
  ['extension', "<domain><metadata><my:note xmlns:my='urn:mine'/></metadata></domain>", []],
  [
    'lxc-namespace',
    "<domain xmlns:lxc='http://libvirt.org/schemas/domain/lxc/1.0'><lxc:namespace><lxc:sharenet type='netns' value='red'/></lxc:namespace></domain>",
    ['sharenet'],
  ],
];

const graphics = (attributes: string, inner = '') => devices(`<graphics ${attributes}>${inner}</graphics>`);
const screens: readonly Case[] = [
  ['graphics-type', graphics("type='vnc'"), ['vnc']],
  ['graphics-listen', graphics("type='vnc' listen='0.0.0.0'"), ['0.0.0.0']],
  ['graphics-listen', graphics("type='vnc'", "<listen type='address' address='::'/>"), ['::']],
  ['graphics-listen', graphics("type='vnc'", "<listen address='1.2.3.4'/>"), ['1.2.3.4']],
  [
    'graphics-listen',
    graphics("type='vnc' listen='127.0.0.1'", "<listen type='address' address='0.0.0.0'/>"),
    ['127.0.0.1', '0.0.0.0'],
  ],
  ['graphics-listen', graphics("type='vnc'", "<listen type='network' network='default'/>"), ['network:default']],
  ['graphics-listen', graphics("type='vnc'", "<listen type='socket' socket='/run/v'/>"), ['unix:/run/v']],
  ['graphics-listen', graphics("type='vnc' socket='/run/v'"), ['unix:/run/v']],
  ['graphics-listen', graphics("type='spice'", "<listen type='none'/>"), ['none']],
  ['graphics-listen', graphics("type='vnc'"), ['']],
  ['graphics-listen', graphics("type='vnc'", "<listen type='address'/>"), ['']],
  ['graphics-listen', graphics("type='sdl'"), []],
  ['graphics-listen', "<graphics type='vnc' listen='1.1.1.1'/>", ['1.1.1.1']],
  ['graphics-password', graphics("type='vnc' passwd='x'"), [true]],
  ['graphics-password', graphics("type='vnc' passwd=''"), [false]],
  ['graphics-password', devices("<graphics type='vnc' passwd='x'/><graphics type='spice'/>"), [true, false]],
  ['graphics-password-expires', graphics("type='vnc' passwd='x' passwdValidTo='2030-01-01T00:00:00'"), [true]],
  ['graphics-password-expires', graphics("type='vnc' passwd='x'"), [false]],
  ['graphics-tls', graphics("type='spice' defaultMode='secure'"), [true]],
  ['graphics-tls', graphics("type='spice' defaultMode='secure'", "<channel name='main' mode='any'/>"), [false]],
  ['graphics-tls', graphics("type='vnc'"), [false]],
];

const sizes: readonly Case[] = [
  ['memory', memory('1024'), [1024]],
  ['memory', memory('1024', 'KiB'), [1024]],
  ['memory', memory('2', 'GiB'), [2097152]],
  ['memory', memory('2', 'gib'), [2097152]],
  ['memory', memory('2', 'G'), [2097152]],
  ['memory', memory('2', 'GB'), [1953125]],
  ['memory', memory('1', 'TiB'), [1073741824]],
  ['memory', memory('1', 'EiB'), [1125899906842624]],
  ['memory', memory('1025', 'b'), [2]],
  ['memory', memory('2048', 'bytes'), [2]],
  ['memory', memory('1024', ''), [1024]],
  ['memory', memory(' 1024\n'), [1024]],
  ['memory', memory('10<!-- -->24'), [1024]],
  ['memory', memory('<![CDATA[1024]]>'), [1024]],
  ['memory', memory('&#49;024'), [1024]],
  ['memory', memory('1024', 'parsec'), null],
  ['memory', memory('-1'), null],
  ['memory', memory('1e6'), null],
  ['memory', memory('0x400'), null],
  ['memory', memory('99999999999999999999'), null],
  ['memory', memory('16', 'EiB'), null],
  ['memory', guest('<memory>1</memory><memory>2</memory>'), [1, 2]],
  // Cells count more than the element.
  [
    'memory',
    guest("<memory>1</memory><cpu><numa><cell memory='1' unit='GiB'/><cell memory='1048576'/></numa></cpu>"),
    [1, 2097152],
  ],
  ['memory', devices("<memory model='dimm'><target><size>1</size></target></memory>"), []],
  ['memory-current', guest("<currentMemory unit='MiB'>1</currentMemory>"), [1024]],
  ['memory-maximum', guest("<maxMemory slots='16' unit='MiB'>4</maxMemory>"), [4096]],
  ['memory-device', "<memory model='dimm'><target><size unit='MiB'>4</size></target></memory>", [4096]],
  ['memory-hard-limit', guest("<memtune><hard_limit unit='M'>1</hard_limit></memtune>"), [1024]],
  ['vcpus', guest('<vcpu>4</vcpu>'), [4]],
  ['vcpus', guest("<vcpu placement='static' current='2'>4</vcpu>"), [4]],
  ['vcpus', guest(''), [1]],
  ['vcpus', guest('<vcpu>many</vcpu>'), null],
  // 4294967295 to libvirt.
  ['vcpus', guest('<vcpu>-1</vcpu>'), null],
  ['vcpus', devices('').replace('domain', 'network').replace('domain', 'network'), []],
  ['vcpus-current', guest("<vcpu current='2'>4</vcpu>"), [2]],
  ['vcpus-current', guest('<vcpu>4</vcpu>'), [4]],
  ['vcpus-current', guest(''), [1]],
  ['cpu-shares', guest('<cputune><shares>2048</shares></cputune>'), [2048]],
  ['cpu-quota', guest('<cputune><quota>-1</quota><emulator_quota>10</emulator_quota></cputune>'), [-1, 10]],
  ['blkio-weight', guest('<blkiotune><weight>800</weight></blkiotune>'), [800]],
];

const processors: readonly Case[] = [
  ['cpu-mode', guest("<cpu mode='host-passthrough'/>"), ['host-passthrough']],
  ['cpu-mode', guest('<cpu><model>kvm64</model></cpu>'), ['custom']],
  ['cpu-mode', guest(''), ['']],
  ['cpu-model', guest('<cpu><model>kvm64</model></cpu>'), ['kvm64']],
  ['cpu-feature-disabled', guest("<cpu><feature policy='disable' name='smep'/></cpu>"), ['smep']],
  ['cpu-feature-disabled', guest("<cpu><feature name='smap' policy='forbid'/></cpu>"), ['smap']],
  ['cpu-feature-disabled', guest("<cpu><feature policy='require' name='smep'/></cpu>"), []],
  ['cpu-feature-forced', guest("<cpu><feature policy='force' name='vmx'/></cpu>"), ['vmx']],
  ['cpu-feature-required', guest("<cpu><feature policy='require' name='a'/><feature name='b'/></cpu>"), ['a', 'b']],
  ['launch-security', guest("<launchSecurity type='sev'/>"), ['sev']],
  ['launch-security', guest(''), ['']],
];

const labels: readonly Case[] = [
  ['seclabel-type', guest("<seclabel type='none'/>"), ['none']],
  ['seclabel-type', guest("<seclabel model='dac'/><seclabel type='static'/>"), ['dynamic', 'static']],
  ['seclabel-type', guest(''), ['']],
  ['seclabel-type', '<network><domain name="example.com"/></network>', []],
  ['seclabel-model', guest("<seclabel type='none' model='apparmor'/>"), ['apparmor']],
  ['seclabel-model', guest(''), ['']],
  ['seclabel-relabel', guest("<seclabel type='dynamic'/>"), [true]],
  ['seclabel-relabel', guest("<seclabel type='dynamic' relabel='no'/>"), [false]],
  ['seclabel-relabel', guest("<seclabel type='static'/>"), [false]],
  ['seclabel-relabel', guest("<seclabel type='static' relabel='yes'/>"), [true]],
  ['seclabel-relabel', disk("<source file='/a'><seclabel model='dac' relabel='no'/></source>"), [false]],
];

const others: readonly Case[] = [
  ['domain-type', "<domain type='lxc'/>", ['lxc']],
  ['emulator', devices('<emulator>/usr/bin/../bin/qemu</emulator>'), ['/usr/bin/../bin/qemu', '/usr/bin/qemu']],
  ['emulator', devices(''), []],
  ['program', guest('<bootloader>/usr/bin/pygrub</bootloader>'), ['/usr/bin/pygrub']],
  ['program', devices("<filesystem><binary path='/tmp/x'/></filesystem>"), ['/tmp/x']],
  ['loader', guest("<os><loader readonly='yes'>/ovmf.fd</loader></os>"), ['/ovmf.fd']],
  ['nvram', guest("<os><nvram template='/t'>/v</nvram></os>"), ['/v', '/t']],
  ['nvram', guest("<os><nvram type='file'><source file='/v'/></nvram></os>"), ['/v']],
  ['kernel', guest('<os><kernel>/k</kernel><initrd>/i</initrd><dtb>/d</dtb></os>'), ['/k', '/i', '/d']],
  ['kernel', guest('<os><init>/bin/sh</init></os>'), ['/bin/sh']],
  ['snapshot-memory', "<domainsnapshot><memory snapshot='external' file='/etc/x'/></domainsnapshot>", ['/etc/x']],
  ['kernel-boot', guest('<os><kernel>/k</kernel></os>'), [true]],
  ['kernel-boot', guest(''), [false]],
  ['interface-type', devices('<interface/>'), ['user']],
  ['interface-type', "<interface type='bridge'/>", ['bridge']],
  ['interface-source', devices("<interface type='network'><source network='default'/></interface>"), ['default']],
  ['interface-source', devices("<interface type='direct'><source dev='eth0' mode='bridge'/></interface>"), ['eth0']],
  ['interface-source', devices("<interface type='user'/>"), ['']],
  ['interface-filter', devices("<interface><filterref filter='clean-traffic'/></interface>"), ['clean-traffic']],
  ['interface-filter', devices('<interface/><interface><filterref/></interface>'), ['', '']],
  [
    'interface-script',
    devices("<interface><script path='/etc/x'/><downscript path='/y'/></interface>"),
    ['/etc/x', '/y'],
  ],
  ['network-forward', "<network><forward mode='route'/></network>", ['route']],
  ['network-forward', '<network><forward/></network>', ['nat']],
  ['network-forward', '<network/>', ['']],
  [
    'network-device',
    "<network><forward dev='eth0'><interface dev='eth1'/></forward><bridge name='b'/></network>",
    ['eth0', 'eth1', 'b'],
  ],
  ['pool-type', "<pool type='dir'/>", ['dir']],
  ['pool-path', "<pool type='dir'><target><path>/etc/../</path></target></pool>", ['/etc/../', '/']],
  ['pool-path', "<pool><source><dir path='/srv'/><device path='/dev/sdb'/></source></pool>", ['/srv', '/dev/sdb']],
  ['pool-source', '<pool><source><name>vg</name></source></pool>', ['vg']],
  ['pool-source', "<pool><source><adapter type='scsi_host' name='host0'/></source></pool>", ['host0']],
  ['pool-host', "<pool><source><host name='nfs'/></source></pool>", ['nfs']],
  ['volume-path', '<volume><name>v</name><target><path>/x//v</path></target></volume>', ['/x/v', 'v']],
  ['volume-format', "<volume><target><format type='qcow2'/></target></volume>", ['qcow2']],
  ['volume-format', '<volume/>', ['']],
  ['volume-capacity', "<volume><capacity unit='GiB'>1</capacity></volume>", [1073741824]],
  ['volume-capacity', '<volume><capacity>1000</capacity></volume>', [1000]],
  ['volume-encrypted', "<volume><target><encryption format='luks'/></target></volume>", [true]],
  ['volume-encrypted', '<volume><target/></volume>', [false]],
  ['volume-encrypted', '<volume/>', [false]],
  ['secret-private', "<secret private='yes'/>", [true]],
  ['secret-private', '<secret/>', [false]],
];

const groups = { disks, host, addresses, extensions, screens, sizes, processors, labels, others };

describe.each(Object.entries(groups))('%s', (_, cases) => {
  test.each(cases)('%s of %s', async (fact, xml, values) => {
    expect(await valuesOf(fact, xml)).toEqual(values);
  });
});

test('each fact is tested', () => {
  const tested = new Set(Object.values(groups).flatMap((cases) => cases.map(([fact]) => fact)));
  expect(xmlFactNames.filter((name) => !tested.has(name))).toEqual([]);
});

describe('where the XML is', () => {
  const XML = "<domain><devices><disk><source file='/it'/></disk></devices></domain>";
  const source = async (fn: string, args: Parameters<typeof probe>[1]) => (await probe(fn, args)).get('disk-source');

  test.each<readonly [string, Parameters<typeof probe>[1]]>([
    ['virDomainCreateXML', { xmlDesc: XML }],
    ['virDomainCreateXMLWithFiles', { xmlDesc: XML }],
    ['virDomainDefineXMLFlags', { xml: XML }],
    ['virDomainAttachDeviceFlags', { xml: XML }],
    ['virDomainUpdateDeviceFlags', { xml: XML }],
    ['virDomainSnapshotCreateXML', { xmlDesc: XML }],
    ['virDomainSaveFlags', { dxml: XML }],
    ['virDomainRestoreFlags', { dxml: XML }],
    ['virDomainManagedSaveDefineXML', { dxml: XML }],
    ['virDomainSaveImageDefineXML', { dxml: XML }],
    ['virDomainBlockCopy', { destxml: XML }],
    ['virDomainBackupBegin', { backupXML: XML, checkpointXML: '<domaincheckpoint/>' }],
    ['virDomainMigrateToURI2', { dxml: XML }],
    ['virDomainMigrate3', { params: { destination_xml: XML } }],
    ['virDomainMigrateToURI3', { params: { persistent_xml: XML, bandwidth: '1' } }],
    ['virDomainRestoreParams', { params: { dxml: XML, file: '/x' } }],
    ['virStoragePoolDefineXML', { xml: XML }],
    ['virConnectFindStoragePoolSources', { srcSpec: XML }],
  ])('%s', async (fn, args) => {
    expect((await source(fn, args))?.actual).toEqual(['/it']);
  });

  const looksLikeXml = ({ args }: ApiFunction) =>
    args.filter(({ name, type }) => type === 'String' && /xml|spec|desc|config|cpus?$|metadata/i.test(name));

  // What is not definitions: a driver's own format, and what libvirt stores for others without reading it.
  const notXml = ['virConnectDomainXMLFromNative', 'virDomainSetMetadata', 'virNetworkSetMetadata'];

  test('no function is left out', () => {
    const named = functions.filter((fn) => looksLikeXml(fn).length > 0 && !xmlFunctions.has(fn.name));
    expect(named.map(({ name }) => name)).toEqual(notXml);
  });

  test.each([...xmlFunctions])('of %s: a deny rule sees it', async (name) => {
    const fn = functions.find((each) => each.name === name);
    const args: Record<string, CallArguments[string]> = {};
    const texts = fn === undefined ? [] : looksLikeXml(fn);
    for (const arg of texts) args[arg.name] = XML;
    if (texts.length === 0) args.params = { destination_xml: XML };
    const found = (await source(name, args))?.actual;
    expect(found).toEqual(Object.keys(args).map(() => '/it'));
    expect(found).not.toEqual([]);
  });

  test('all documents of a call count', async () => {
    const second = XML.replace('/it', '/second');
    const params = { destination_xml: XML, persistent_xml: second };
    expect((await source('virDomainMigrate3', { params }))?.actual).toEqual(['/it', '/second']);
    const broken = { destination_xml: XML, persistent_xml: '<domain>' };
    expect(await source('virDomainMigrate3', { params: broken })).toMatchObject({ actual: null, unknown: true });
  });

  test('a call without XML is not unknown', async () => {
    expect(await source('virDomainSaveFlags', { to: '/x' })).toMatchObject({ unknown: false });
    expect(await source('virDomainMigrate3', { params: { bandwidth: '1' } })).toMatchObject({ unknown: false });
  });
});

test('docs/policy-xml.md names each fact once', () => {
  const page = readFileSync(join(ROOT, 'docs/policy-xml.md'), 'utf8');
  const table = page.slice(page.indexOf('## Facts'), page.indexOf('A fact has as many values'));
  const named = [...table.matchAll(/`([a-z-]+)`/g)].map(([, name]) => name);
  expect(named.sort()).toEqual([...xmlFactNames].sort());
});

// Each at its bound and one beyond it: docs/policy-xml.md has them.
test.each<readonly [string, (count: number) => string, number]>([
  ['text', (bytes) => guest(' '.repeat(bytes - guest('').length)), 1 << 20],
  ['depth', (depth) => `${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}`, 256],
  ['markup', (count) => guest('<a/>'.repeat(count - 2)), 10_000],
  [
    'attributes',
    (count) => guest(`${"<a b=''/>".repeat(count - 15_001)}${"<a b='' c='' d='' e=''/>".repeat(3750)}`),
    20_000,
  ],
  [
    'attributes of one element',
    (count) => `<a${Array.from({ length: count }, (_, i) => ` a${i}=''`).join('')}/>`,
    1000,
  ],
  ['namespaces', (count) => guest(`<metadata>${"<a xmlns='b'/>".repeat(count)}</metadata>`), 100],
  ['hyphens', (count) => guest('--'.repeat(count)), 1000],
  ['levels', (count) => `${'<a>'.repeat(99)}${'<b/>'.repeat((count - 4950) / 100)}${'</a>'.repeat(99)}`, 100_000 - 50],
])('a document is unknown beyond the bound: %s', async (_, xml, bound) => {
  expect(await isReadable(xml(bound))).toBe(true);
  const beyond = bound === 100_000 - 50 ? bound + 100 : bound + 1;
  expect(await isReadable(xml(beyond))).toBe(false);
});

test('an expression is bounded', () => {
  const nested = (depth: number) => `${'('.repeat(depth)}1${')'.repeat(depth)}`;
  expect([30, 31].map((depth) => xpathProblem(nested(depth)) === undefined)).toEqual([true, false]);
  expect([1000, 1001].map((size) => xpathProblem('a'.repeat(size)) === undefined)).toEqual([true, false]);
});
