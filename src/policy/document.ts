/** A policy as it is written: the shape that policies/policy.schema.json describes. */

export type Effect = 'allow' | 'deny';
export type Mode = 'enforcing' | 'permissive' | 'disabled';
export type AuditLevel = 'none' | 'response' | 'request-response';

export type SetName =
  | 'read'
  | 'connect'
  | 'events'
  | 'control'
  | 'config'
  | 'resource'
  | 'guest-access'
  | 'data-access'
  | 'secret'
  | 'stream'
  | 'admin';

export interface PolicyDocument {
  readonly $schema?: string;
  readonly name: string;
  readonly description?: string;
  readonly comment?: string;
  readonly mode?: Mode;
  readonly defaults?: Readonly<Partial<Record<SetName | '*', Effect>>>;
  readonly unknownApi?: Effect;
  readonly onAuditFailure?: Effect;
  readonly trail?: string;
  readonly audit?: AuditDocument;
  readonly rules?: readonly RuleDocument[];
}

export interface AuditDocument {
  readonly comment?: string;
  readonly levels?: Readonly<Record<string, AuditLevel>>;
  readonly netlink?: boolean;
  readonly file?: 'fallback' | 'always';
}

export interface RuleDocument {
  readonly id: string;
  readonly description?: string;
  readonly comment?: string;
  readonly effect: Effect;
  readonly actions: readonly string[];
  readonly subjects?: {
    readonly users?: readonly string[];
    readonly uids?: readonly number[];
    readonly groups?: readonly string[];
  };
  readonly connections?: {
    readonly uris?: readonly string[];
    readonly drivers?: readonly string[];
    readonly readOnly?: boolean;
  };
  readonly resources?: {
    readonly kinds?: readonly string[];
    readonly names?: readonly string[];
    readonly uuids?: readonly string[];
  };
  readonly arguments?: Readonly<Record<string, ComparisonDocument>>;
}

export type OperandDocument = number | string;

export interface ComparisonDocument {
  readonly equal?: OperandDocument;
  readonly notEqual?: OperandDocument;
  readonly less?: OperandDocument;
  readonly lessOrEqual?: OperandDocument;
  readonly greater?: OperandDocument;
  readonly greaterOrEqual?: OperandDocument;
  readonly glob?: string;
  readonly hasAny?: readonly OperandDocument[];
  readonly hasAll?: readonly OperandDocument[];
  readonly hasNone?: readonly OperandDocument[];
}
