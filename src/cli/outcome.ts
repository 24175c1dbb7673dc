/** How a command ended when it did its work; what it could not do is thrown as a VirtshimError. */
export type Outcome = 'ok' | 'problems';
