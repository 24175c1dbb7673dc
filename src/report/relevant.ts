/** Which calls a report tells. */
import { functionsByName } from '../generated/api.js';
import type { CallEvent } from './event.js';

/** Whether a call changes something, or was to be kept from it. Functions that are not known here may change something. */
export function changesSomething({ operation, verdict }: CallEvent): boolean {
  return verdict !== 'permitted' || functionsByName.get(operation)?.stateChanging !== false;
}
