/**
 * Where the status page has the stories of connections from. This file holds no
 * code: who follows connections is not known here.
 */
import type { Coverage, Story, WholeStory } from '../trace/story.ts'

export interface StorySource {
  /** Somebody looks, or nobody does any more: stories are followed only meanwhile. */
  watch(isWatched: boolean): void
  /** The newest headlines, newest first, at most `most`. */
  newest(most: number): Story[]
  /** With its steps; null when it is not kept (any more). */
  story(id: number): WholeStory | null
  readonly coverage: Coverage
}
