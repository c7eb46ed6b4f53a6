/**
 * What the exit code of the server tells a service manager (docs/operating.md).
 */

export const EXIT_OK = 0
/** Nothing has served: to start it again would change nothing. */
export const EXIT_CANNOT_START = 1
/** Requests had to be cut. */
export const EXIT_FORCED = 2
