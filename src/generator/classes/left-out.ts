// Functions that are no method of a class, each with the reason. All of them can be called through `virtshim/ffi`.
import type { ApiFunction } from '../model.js';

interface Rule {
  readonly fits: (fn: ApiFunction) => boolean;
  readonly reason: string;
}

function named(pattern: RegExp): (fn: ApiFunction) => boolean {
  return (fn) => pattern.test(fn.name);
}

function takesCallback(fn: ApiFunction): boolean {
  return fn.args.some((arg) => arg.type === 'Callback');
}

const rules: readonly Rule[] = [
  {
    fits: named(/^vir(Adm)?Connect(Open|OpenReadOnly|OpenAuth)$/),
    reason: 'written by hand: `Connection.open` and its like',
  },
  { fits: named(/^virConnectClose$|^virAdmConnectClose$/), reason: 'written by hand: `close`' },
  {
    fits: named(/^vir(Free|Reset|Save|Copy|Default|Set)\w*Error(Func)?$|^virResetLastError$/),
    reason: 'errors are thrown',
  },
  {
    fits: named(/^virGetLastError|^virConn(Copy|Get|Reset)LastError$|^virConnSetErrorFunc$/),
    reason: 'errors are thrown',
  },
  { fits: named(/Free$/), reason: 'every class has `free`; structs are copied and freed' },
  { fits: named(/Ref$/), reason: 'an object holds one reference, which JavaScript shares' },
  {
    fits: named(/^vir\w+Get(Connect|Domain|Network)$/),
    reason: 'objects know where they came from: `connect`, `domain`, `network`',
  },
  { fits: named(/^virEvent/), reason: 'the event loop is run by virtshim' },
  { fits: named(/^virTypedParams/), reason: 'typed parameters are plain objects' },
  { fits: named(/^virStream(Sparse)?(Recv|Send)All$/), reason: 'written by hand: streams of Node' },
  { fits: named(/^virDomainLxcEnter(Namespace|SecurityLabel)$/), reason: 'changes the thread that calls it' },
  { fits: takesCallback, reason: 'written by hand: events' },
  { fits: named(/Event(Deregister\w*|\w*Callback)$|UnregisterCloseCallback$/), reason: 'written by hand: events' },
];

/** Why `fn` is not generated as a method or function of the high-level API, or undefined where it is. */
export function leftOut(fn: ApiFunction): string | undefined {
  return rules.find((rule) => rule.fits(fn))?.reason;
}

/** The reasons that no function has. */
export function idleReasons(functions: readonly ApiFunction[]): readonly string[] {
  return rules.filter((rule) => !functions.some(rule.fits)).map((rule) => rule.reason);
}
