/**
 * What many runs of one load come to. Pure: numbers in, numbers out.
 */

/** The middle one; of an even count, the mean of the two in the middle. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2
}

/** The busiest worker's share, as a multiple of a fair one: max/mean. 1 is even; as many as there are workers, one had all. */
export function evenness(counts) {
  const sum = counts.reduce((total, count) => total + count, 0)
  return sum === 0 ? 1 : (Math.max(...counts) * counts.length) / sum
}

/** How each worker's count of something grew between two documents of `prefork status`; a worker born in between began at 0. */
export function growth(before, after, field) {
  const earlier = new Map(before.workers.map((worker) => [worker.pid, worker[field]]))
  return after.workers.map((worker) => worker[field] - (earlier.get(worker.pid) ?? 0))
}

const ADDED_UP = ['failures', 'linesOff']

/**
 * The median of every figure; what is wrong is added up, for no median may hide it. What
 * is no figure, or was none in one of the samples, is told as the worst of them has it:
 * the words that explain it, or nothing.
 */
export function summarize(samples) {
  const names = Object.keys(samples[0])
  return Object.fromEntries(
    names.map((name) => {
      const values = samples.map((sample) => sample[name])
      if (ADDED_UP.includes(name)) return [name, values.reduce((sum, it) => sum + Math.abs(it), 0)]
      if (values.every((it) => typeof it === 'number')) return [name, median(values)]
      return [name, values.find((it) => typeof it === 'string') ?? null]
    }),
  )
}
