/** Crowds against each bound, over TCP: what they do is told in floods.ts. */
import { TCP } from '../support/road.ts'
import { CROWDS, playCrowds, playFlooding, playStayingOn } from './floods.ts'

playCrowds(TCP, CROWDS)
playStayingOn(TCP)
playFlooding(TCP)
