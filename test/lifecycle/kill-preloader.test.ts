/** The preloader is killed again and again: its workers serve on, and nobody notices. */
import { waitUntil } from '../support/program.ts'
import { pause } from './load.ts'
import { assertNoneFailed, scene, startLoaded, underLoad } from './scene.ts'

const KILLS_SHORT = 3
const KILLS_LONG = 30
/** Some are killed as they load, some grown up. */
const PAUSE_MS_MAX = 2_500

scene('kill -9 of the preloader loses nothing', async (t, stage) => {
  const log = [
    /warn supervisor .*: the preloader \(pid \d+\) was ended by SIGKILL; its workers serve on, and another is started$/,
  ]
  const server = await startLoaded(t, { log })
  const kills = stage.isLong ? KILLS_LONG : KILLS_SHORT
  const figures = await underLoad(server, stage, async () => {
    for (let i = 0; i < kills; i++) {
      await pause(stage.random(PAUSE_MS_MAX))
      const [old] = server.preloaders()
      process.kill(old!, 'SIGKILL')
      await waitUntil(() => server.preloaders().some((pid) => pid !== old), 'a new preloader')
    }
  })
  stage.print(`${kills} preloaders killed`)
  assertNoneFailed(figures)
})
