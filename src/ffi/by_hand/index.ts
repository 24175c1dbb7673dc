/** What is not generated; the reasons stand in native/api/ffi.json. */
export * from './callbacks.js';
export * from './cpus.js';
export * from './domain_stats.js';
export * from './last_error.js';
export * from './pages.js';
export * from './security_label.js';
