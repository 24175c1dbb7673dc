import { DomainMethods } from '../generated/classes/domain.js';

/** A guest. */
export class Domain extends DomainMethods {}
