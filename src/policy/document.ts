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
  readonly include?: readonly string[];
  readonly rules?: readonly RuleDocument[];
}

/** A file that policies include: the shape that policies/rules.schema.json describes. */
export type RulesDocument = Pick<
  PolicyDocument,
  '$schema' | 'description' | 'comment' | 'defaults' | 'include' | 'rules'
>;

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
  readonly mode?: Mode;
  readonly subjects?: SubjectsDocument & { readonly not?: SubjectsDocument };
  readonly connections?: ConnectionsDocument & { readonly not?: ConnectionsDocument };
  readonly resources?: ResourcesDocument & { readonly not?: ResourcesDocument };
  readonly arguments?: ArgumentsDocument;
  readonly xml?: XmlDocument;
  readonly monitor?: MonitorDocument & { readonly not?: MonitorDocument };
  readonly times?: readonly WindowDocument[];
  readonly rate?: RateDocument;
  readonly require?: readonly 'reason'[];
}

/** Comparisons by name, or by name and field: `params.cpu_shares`. No argument of libvirt is called `not`. */
export interface ArgumentsDocument {
  readonly not?: ComparisonsDocument;
  readonly [name: string]: ComparisonDocument | ComparisonsDocument | undefined;
}

export type ComparisonsDocument = Readonly<Record<string, ComparisonDocument>>;

export interface SubjectsDocument {
  readonly users?: readonly string[];
  readonly uids?: readonly number[];
  readonly groups?: readonly string[];
  readonly auids?: readonly (number | 'unset')[];
  readonly executables?: readonly string[];
  readonly commands?: readonly string[];
  readonly terminals?: readonly string[];
  readonly labels?: readonly string[];
  readonly actors?: readonly string[];
}

export interface ConnectionsDocument {
  readonly uris?: readonly string[];
  readonly drivers?: readonly string[];
  readonly transports?: readonly string[];
  readonly hosts?: readonly string[];
  readonly readOnly?: boolean;
}

export interface ResourcesDocument {
  readonly kinds?: readonly string[];
  readonly names?: readonly string[];
  readonly uuids?: readonly string[];
}

export interface MonitorDocument {
  readonly commands?: readonly string[];
}

/** `xpath`, `not`, and comparisons by the name of the fact. */
export interface XmlDocument {
  readonly xpath?: readonly string[];
  readonly not?: XmlTestsDocument;
  readonly [fact: string]: ComparisonDocument | readonly string[] | XmlTestsDocument | undefined;
}

export interface XmlTestsDocument {
  readonly xpath?: readonly string[];
  readonly [fact: string]: ComparisonDocument | readonly string[] | undefined;
}

export type DayName = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

export interface WindowDocument {
  readonly days?: readonly DayName[];
  readonly from?: string;
  readonly to?: string;
  readonly zone: string;
}

export interface RateDocument {
  readonly calls: number;
  readonly seconds: number;
  readonly per: 'subject' | 'host';
}

export type OperandDocument = number | string;

export interface ComparisonDocument {
  readonly equal?: OperandDocument | boolean;
  readonly notEqual?: OperandDocument | boolean;
  readonly less?: OperandDocument;
  readonly lessOrEqual?: OperandDocument;
  readonly greater?: OperandDocument;
  readonly greaterOrEqual?: OperandDocument;
  readonly glob?: string;
  readonly hasAny?: readonly OperandDocument[];
  readonly hasAll?: readonly OperandDocument[];
  readonly hasNone?: readonly OperandDocument[];
}
