/**
 * Deadlines for thousands of connections, kept by one structure and one timer.
 *
 * A timing wheel (Varghese and Lauck, 1987): time is cut into steps, each step
 * has a slot, a deadline lies in the slot of its step. Most deadlines only ever
 * move later (a keep-alive connection that is used again), so moving one later
 * is a single store: the entry stays in its old slot and is put where it belongs
 * when that slot comes up.
 *
 * Pure: it reads no clock. A deadline is never met early, and late by at most
 * one step (`STEP_MS`) plus whatever the event loop is late.
 */

export const STEP_MS = 250
/** A power of two; with the step, a horizon of 64 s. Deadlines beyond it wait in the last slot and are moved on. */
const SLOTS = 256

/** What can have a deadline. The fields are the wheel's own; the owner has `Deadlines.set`. */
export abstract class Deadline {
  /** Milliseconds on the loop's clock, or 0 for none. */
  deadlineAt = 0
  /** The step whose slot this entry lies in; -1 when in none. */
  step = -1
  next: Deadline | null = null
  previous: Deadline | null = null

  /** Called once when the deadline has passed; it is then gone. */
  abstract onDeadline(): void
}

/** The head of a slot's list. */
class Slot extends Deadline {
  override onDeadline(): void {}
}

export class Deadlines {
  readonly #slots: Slot[] = Array.from({ length: SLOTS }, () => new Slot())
  /** The last step that has been looked at. */
  #step: number
  #count = 0

  constructor(nowMs: number) {
    this.#step = Math.floor(nowMs / STEP_MS)
  }

  /** How many entries lie in the wheel. */
  get count(): number {
    return this.#count
  }

  /** Gives `entry` a deadline, in place of the one it had. */
  set(entry: Deadline, atMs: number): void {
    entry.deadlineAt = atMs
    const step = this.#stepOf(atMs)
    if (entry.step !== -1) {
      if (entry.step <= step) return
      this.#unlink(entry)
    }
    this.#link(entry, step)
  }

  clear(entry: Deadline): void {
    entry.deadlineAt = 0
    if (entry.step !== -1) this.#unlink(entry)
  }

  /** Calls `onDeadline` of every entry whose time has come, `most` of them at most. True: there may be more. */
  expire(nowMs: number, most = Number.POSITIVE_INFINITY): boolean {
    const last = Math.floor(nowMs / STEP_MS)
    // After a long sleep every slot is looked at once, not once for each step that was slept through.
    if (last - this.#step > SLOTS) this.#step = last - SLOTS
    let left = most
    while (this.#step < last) {
      this.#step += 1
      left = this.#expireSlot(this.#slots[this.#step % SLOTS]!, nowMs, left)
      if (left > 0) continue
      this.#step -= 1 // it is looked at again
      return true
    }
    return false
  }

  /** When to look next: milliseconds on the same clock, or null when there is nothing to wait for. */
  nextLookAt(): number | null {
    if (this.#count === 0) return null
    for (let step = this.#step + 1; step <= this.#step + SLOTS; step++) {
      if (this.#slots[step % SLOTS]!.next !== null) return step * STEP_MS
    }
    return null
  }

  /** The step at whose start the deadline has surely passed; within the horizon, and never one already looked at. */
  #stepOf(atMs: number): number {
    const step = Math.ceil(atMs / STEP_MS)
    return Math.min(Math.max(step, this.#step + 1), this.#step + SLOTS - 1)
  }

  /** One at a time off the front: what `onDeadline` does may set or clear any other entry. How many more there may be. */
  #expireSlot(slot: Slot, nowMs: number, most: number): number {
    let left = most
    for (let entry = slot.next; entry !== null && left > 0; entry = slot.next) {
      this.#unlink(entry)
      if (entry.deadlineAt > nowMs) {
        this.#link(entry, this.#stepOf(entry.deadlineAt))
      } else {
        left -= 1
        entry.onDeadline()
      }
    }
    return left
  }

  #link(entry: Deadline, step: number): void {
    const slot = this.#slots[step % SLOTS]!
    entry.step = step
    entry.previous = slot
    entry.next = slot.next
    if (slot.next !== null) slot.next.previous = entry
    slot.next = entry
    this.#count += 1
  }

  #unlink(entry: Deadline): void {
    entry.previous!.next = entry.next
    if (entry.next !== null) entry.next.previous = entry.previous
    entry.step = -1
    entry.next = entry.previous = null
    this.#count -= 1
  }
}
