/** What the samples of a soak come to. Pure. */

/** Memory of all processes may grow by so much over what is looked at: the sawtooth of garbage that waits. */
export const GROWTH_BYTES_MAX = 16e6

/** Caches fill and code is compiled at first: that is no growth. */
export function settledPart(samples) {
  return samples.slice(Math.floor(samples.length / 3))
}

/** Of the straight line that lies closest (least squares); `points` are [x, y]. 0 of fewer than two. */
export function slope(points) {
  const meanX = mean(points.map(([x]) => x))
  const meanY = mean(points.map(([, y]) => y))
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  if (!(spread > 0)) return 0
  return points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread
}

/** How the figure of that name moves once it has settled: { perHour, grown }, `grown` over what is looked at. */
export function trend(samples, name) {
  const part = settledPart(samples)
  const perSecond = slope(part.map((sample) => [sample.seconds, sample[name]]))
  const span = part.length === 0 ? 0 : part.at(-1).seconds - part[0].seconds
  return { perHour: perSecond * 3600, grown: perSecond * span }
}

/** What is wrong, in sentences; none: the server has passed. */
export function complaints({ samples, growthBytesMax = GROWTH_BYTES_MAX, descriptors, isSameProcesses, wrong, told }) {
  const { grown } = trend(samples, 'pssBytes')
  const found = []
  if (grown > growthBytesMax) found.push(`memory grew by ${mb(grown)} MB; at most ${mb(growthBytesMax)} are allowed`)
  if (descriptors.after > descriptors.before)
    found.push(`descriptors leaked: ${descriptors.before} before, ${descriptors.after} afterwards, nobody connected`)
  if (!isSameProcesses) found.push('a process ended and was replaced')
  if (wrong > 0) found.push(`${wrong} answers were wrong: ${told.join('; ')}`)
  return found
}

/** `count` of them, evenly, the last one among them. */
export function thinned(samples, count) {
  if (samples.length <= count) return samples
  return Array.from({ length: count }, (_, i) => samples[Math.round(((i + 1) * samples.length) / count) - 1])
}

export function mb(bytes) {
  return (bytes / 1e6).toFixed(1)
}

function mean(values) {
  return values.reduce((sum, it) => sum + it, 0) / values.length
}
