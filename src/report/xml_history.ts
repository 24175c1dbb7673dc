/** A guest's definition through time, as its calls tell it: what each of them changed. */
import { flagsOf } from './causes.js';
import type { CallEvent } from './event.js';
import { labelOf, wholeElement, type XmlChange, xmlDifference } from './xml_difference.js';
import { childAt, parseXml, type XmlElement } from './xml_tree.js';

const AFFECT_CONFIG = 1 << 1;

export class XmlHistory {
  /** The definition as far as it is known. */
  #known: XmlElement | undefined;

  /**
   * What a successful call changed; undefined where it changes no XML, or none that is known. To be asked for the
   * guest's calls by time.
   */
  changesOf(call: CallEvent): readonly XmlChange[] | undefined {
    const { operation } = call;
    if (/^virDomain(DefineXML|CreateXML)/.test(operation)) return this.#defined(call);
    if (operation.startsWith('virDomainUndefine')) return this.#undefined();
    if (operation.startsWith('virDomainAttachDevice')) return this.#attached(call);
    if (operation.startsWith('virDomainDetachDevice')) return this.#detached(call);
    return operation.startsWith('virDomainUpdateDevice') ? this.#updated(call) : undefined;
  }

  #defined(call: CallEvent): readonly XmlChange[] | undefined {
    const [before, after] = [this.#known, documentOf(call)];
    if (after === undefined) return undefined;
    this.#known = after;
    return before === undefined ? [wholeElement('added', after, '')] : xmlDifference(before, after);
  }

  #undefined(): readonly XmlChange[] | undefined {
    const before = this.#known;
    this.#known = undefined;
    return before && [wholeElement('removed', before, '')];
  }

  #attached(call: CallEvent): readonly XmlChange[] | undefined {
    const device = documentOf(call);
    if (device === undefined) return undefined;
    if (affectsDefinition(call)) this.#devices()?.push(device);
    return [wholeElement('added', device, pathOf(device))];
  }

  /** Of what detach names, the definition may tell more. */
  #detached(call: CallEvent): readonly XmlChange[] | undefined {
    const device = documentOf(call);
    if (device === undefined) return undefined;
    const known = this.#find(device);
    const devices = this.#devices();
    if (known !== undefined && affectsDefinition(call)) devices?.splice(devices.indexOf(known), 1);
    return [wholeElement('removed', known ?? device, pathOf(device))];
  }

  #updated(call: CallEvent): readonly XmlChange[] | undefined {
    const device = documentOf(call);
    if (device === undefined) return undefined;
    const [known, devices] = [this.#find(device), this.#devices()];
    if (known === undefined) return [wholeElement('added', device, pathOf(device))];
    if (affectsDefinition(call)) devices?.splice(devices.indexOf(known), 1, device);
    return xmlDifference(known, device, pathOf(device));
  }

  #devices(): XmlElement[] | undefined {
    return childAt(this.#known, 'devices')?.children;
  }

  #find(device: XmlElement): XmlElement | undefined {
    return this.#devices()?.find((one) => labelOf(one) === labelOf(device));
  }
}

const documentOf = ({ arguments: { xml, xmlDesc } }: CallEvent): XmlElement | undefined =>
  parseXml(xml ?? xmlDesc ?? '');

const pathOf = (device: XmlElement): string => `devices/${labelOf(device)}`;

const affectsDefinition = (call: CallEvent): boolean => (flagsOf(call) & AFFECT_CONFIG) !== 0;
