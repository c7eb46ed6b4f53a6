/** The same over TLS, and those that only TLS has. */
import { TLS } from '../support/road.ts'
import { CROWDS, playCrowds, playFlooding, playStayingOn, TLS_CROWDS } from './floods.ts'

playCrowds(TLS, [...CROWDS, ...TLS_CROWDS])
playStayingOn(TLS)
playFlooding(TLS)
