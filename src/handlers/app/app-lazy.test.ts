/** The app handler as it serves: the lazy classes are in place before anything takes hold of them. */
import { installLazyFetch } from './lazy-fetch.ts'

installLazyFetch()
await import('./app-requests.test.support.ts')
await import('./app-replies.test.support.ts')
await import('./app-errors.test.support.ts')
