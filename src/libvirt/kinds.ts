/**
 * Where generated methods find the classes of the objects that they return: the classes import the methods, so the
 * methods cannot import the classes.
 */
import type * as Classes from './classes.js';

/** Filled by classes.ts. */
export const kinds = {} as typeof Classes;
