/**
 * syscall(2): a call by its number (layout.ts), for those that libc has no wrapper
 * for.
 */
import { bind } from './libc.ts'

/**
 * syscall(number, …): a result, or a negative errno. At most four arguments here; pointers as numbers.
 *
 * https://man7.org/linux/man-pages/man2/syscall.2.html
 */
export const syscall = bind('syscall', 'long', ['long', 'intptr_t', 'intptr_t', 'intptr_t', 'intptr_t'])
