/**
 * Where a connection waits: what each is for, connection.ts says. One after the
 * other, as a connection comes to them.
 */
export const HEAD = 0
export const ANSWERING = 1
export const DISCARDING = 2
export const LEAVING = 3
export const LINGERING = 4
export const CLOSED = 5
export type Phase = 0 | 1 | 2 | 3 | 4 | 5
