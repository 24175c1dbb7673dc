/** Groups of the image: the rules that may decide the calls of a function, and how they are found by name, uuid and uid. */

import type { Glob } from './glob.js';
import { hashPrefix, hashUid, hashUuid, hashWhole } from './hash.js';
import { groupExactNames, groupUids, groupUuids, maxPrefix, none } from './image_layout.js';
import type { Bytes, ImageWriter } from './image_writer.js';
import type { Checks } from './sets.js';

export interface GroupMember {
  /** Index of the rule. */
  readonly rule: number;
  readonly checks: Checks;
  readonly names: readonly Glob[];
  readonly uuids: readonly Glob[];
  readonly uids: readonly number[];
  readonly unconditional: boolean;
}

interface Candidate {
  readonly rule: number;
  readonly checks: Checks;
  readonly glob: number;
}

/** Writes a group of members in file order; returns its index. */
export function writeGroup(writer: ImageWriter, effect: 'allow' | 'deny', members: readonly GroupMember[]): number {
  return new GroupWriter(writer).write(effect, members);
}

class GroupWriter {
  private prefixLengths = 0n;
  private flags = 0;
  private readonly root: Candidate[] = [];
  private readonly indexed = new Map<bigint, Candidate[]>();

  constructor(private readonly writer: ImageWriter) {}

  write(effect: 'allow' | 'deny', members: readonly GroupMember[]): number {
    for (const member of members) this.place(member);
    const byResource = this.prefixLengths !== 0n || (this.flags & (groupExactNames | groupUuids)) !== 0;
    // Only deny rules can match what is not known.
    const all = byResource && effect === 'deny' ? this.list(members.map(withoutGlob)) : none;
    const root = this.list(this.root);
    const slots = this.slots();
    const always = members.filter((member) => member.unconditional).reduce((mask, { checks }) => mask | checks, 0);
    return this.writer.append('groups', (out) => {
      out.u64(this.prefixLengths);
      for (const field of [all, root, slots.first, slots.mask, this.flags, always]) out.u32(field);
    }).first;
  }

  private place(member: GroupMember): void {
    if (member.names.length > 0 && member.names.every((glob) => glob.literal.length > 0)) {
      for (const glob of member.names) this.placeByName(member, glob);
    } else if (member.uuids.length > 0) {
      this.flags |= groupUuids;
      for (const uuid of member.uuids) this.push(hashUuid(uuid.literal), withoutGlob(member));
    } else if (member.uids.length > 0) {
      this.flags |= groupUids;
      for (const uid of member.uids) this.push(hashUid(uid), withoutGlob(member));
    } else {
      this.root.push(withoutGlob(member));
    }
  }

  private placeByName(member: GroupMember, glob: Glob): void {
    const candidate = { rule: member.rule, checks: member.checks, glob: this.writer.glob(glob) };
    if (glob.form === 'exact' && glob.literal.length <= maxPrefix) {
      this.flags |= groupExactNames;
      this.push(hashWhole(glob.literal), candidate);
      return;
    }
    const prefix = glob.literal.subarray(0, maxPrefix);
    this.prefixLengths |= 1n << BigInt(prefix.length - 1);
    this.push(hashPrefix(prefix), candidate);
  }

  private push(hash: bigint, candidate: Candidate): void {
    const bucket = this.indexed.get(hash);
    if (bucket === undefined) this.indexed.set(hash, [candidate]);
    else bucket.push(candidate);
  }

  private list(candidates: readonly Candidate[]): number {
    if (candidates.length === 0) return none;
    return this.writer.pool('candidates', (out) => writeCandidates(out, candidates)).first;
  }

  /** An open-addressing table that is at most half full. */
  private slots(): { first: number; mask: number } {
    if (this.indexed.size === 0) return { first: 0, mask: 0 };
    const mask = 2 ** Math.ceil(Math.log2(this.indexed.size * 2)) - 1;
    const table = new Array<{ tag: number; first: number }>(mask + 1).fill({ tag: 0, first: none });
    for (const [hash, bucket] of this.indexed) {
      let at = Number(hash & BigInt(mask));
      while (table[at]?.first !== none) at = (at + 1) & mask;
      table[at] = { tag: Number(hash >> 32n), first: this.list(bucket) };
    }
    const { first } = this.writer.append('slots', (out) => {
      for (const slot of table) {
        out.u32(slot.tag);
        out.u32(slot.first);
      }
    });
    return { first, mask };
  }
}

function withoutGlob({ rule, checks }: GroupMember): Candidate {
  return { rule, checks, glob: none };
}

function writeCandidates(out: Bytes, candidates: readonly Candidate[]): void {
  for (const [index, { rule, glob, checks }] of candidates.entries()) {
    out.u32(rule);
    out.u32(glob);
    out.u16(checks);
    out.u16(index === candidates.length - 1 ? 1 : 0);
  }
}
