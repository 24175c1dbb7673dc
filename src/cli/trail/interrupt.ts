/** Comes with the first interrupt; the second one ends the process as ever. */
export function untilInterrupted(): AbortSignal {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupt.abort());
  return interrupt.signal;
}
