/**
 * The status page: a document comes once a second, and each part shows what is its
 * own. Nothing is kept but the last two minutes of a few numbers.
 *
 *     live.ts    the line to the server: /events
 *     banner.ts  findings, and what happened lately      diagnosis.ts says what is wrong
 *     listeners.ts, tiles.ts, workers.ts, latency.ts, network.ts
 *     stories.ts → ladder.ts                             asks for /stories/ID.json
 *     connections.ts                                     asks for /connections.json
 */
import { Banner } from './banner.ts'
import { Connections } from './connections.ts'
import { Latency } from './latency.ts'
import { Listeners } from './listeners.ts'
import { Live } from './live.ts'
import { Network } from './network.ts'
import { Stories } from './stories.ts'
import { Tiles } from './tiles.ts'
import { Workers } from './workers.ts'

const banner = new Banner()
const stories = new Stories()
const parts = [banner, new Listeners(), new Tiles(), new Workers(), new Latency(), new Network(), stories]
new Connections((id) => stories.choose(id))
let version: string | null = null
new Live({
  onStatus: (document) => {
    // After an upgrade the page is another's, and may not understand what it is told.
    if (version !== null && version !== document.version) return location.reload()
    version = document.version
    for (const part of parts) part.update(document)
  },
  onLink: (state, why, sinceMs) => banner.link(state, why, sinceMs),
})
