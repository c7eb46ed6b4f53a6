/** The app handler with Node's own Request and Response. */
import './app-requests.test.support.ts'
import './app-replies.test.support.ts'
import './app-errors.test.support.ts'
