/** The environment that puts a program under the shim; the same variables work without this command. */
import { VirtshimError } from '../errors.js';

export const MODES = ['enforcing', 'permissive', 'disabled'] as const;
export type Mode = (typeof MODES)[number];

export interface ShimSettings {
  /** Absolute path of libvirtshim.so. */
  readonly shim: string;
  /** Absolute path of a compiled policy. */
  readonly policy?: string;
  /** Absolute path of the trail's folder. */
  readonly trail?: string;
  readonly mode?: Mode;
  /** On whose behalf the program runs, as its caller says. */
  readonly actor?: string;
  /** Why, as its caller says. */
  readonly reason?: string;
  /** Programs that the wrapped program starts are not wrapped. */
  readonly noInherit?: boolean;
}

/** Every variable that shimVariables can set. */
export const SHIM_VARIABLES = [
  'LD_PRELOAD',
  'VIRTSHIM_POLICY',
  'VIRTSHIM_TRAIL',
  'VIRTSHIM_MODE',
  'VIRTSHIM_ACTOR',
  'VIRTSHIM_REASON',
  'VIRTSHIM_NO_INHERIT',
] as const;

/** The variables to set, given what is already preloaded. Throws where the loader could not find the shim. */
export function shimVariables(settings: ShimSettings, preloaded: string | undefined): Record<string, string> {
  // The loader splits the variable at blanks and colons and expands `$LIB` and its like; nothing can be escaped.
  if (/[\s:$]/.test(settings.shim)) {
    throw new VirtshimError('VIRTSHIM_FILE', `the loader cannot preload \`${settings.shim}\``, {
      hint: 'install virtshim in a folder whose path has no blank, colon or dollar sign',
    });
  }
  const { policy, trail, mode, actor, reason, noInherit } = settings;
  return {
    LD_PRELOAD: [settings.shim, ...otherPreloads(settings.shim, preloaded)].join(':'),
    ...(policy === undefined ? {} : { VIRTSHIM_POLICY: policy }),
    ...(trail === undefined ? {} : { VIRTSHIM_TRAIL: trail }),
    ...(mode === undefined ? {} : { VIRTSHIM_MODE: mode }),
    ...(actor === undefined ? {} : { VIRTSHIM_ACTOR: actor }),
    ...(reason === undefined ? {} : { VIRTSHIM_REASON: reason }),
    ...(noInherit === true ? { VIRTSHIM_NO_INHERIT: '1' } : {}),
  };
}

/** What LD_PRELOAD names besides the shim. */
export function otherPreloads(shim: string, preloaded: string | undefined): string[] {
  return (preloaded ?? '').split(/[\s:]+/).filter((library) => library !== '' && library !== shim);
}
