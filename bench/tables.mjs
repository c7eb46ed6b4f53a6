/**
 * The figures as tables of Markdown, and their place in a page:
 *
 *     <!-- figures: hello -->
 *     whatever stood here is replaced
 *     <!-- end of figures -->
 */

/** Where there is no figure. */
const NOTHING = '–'

const COLUMNS = {
  server: { title: 'server', of: ({ title }) => title },
  ratio: { of: ({ ratio }) => ratio.toFixed(2) },
  serverShare: { title: 'server core', of: (it) => percent(it.serverShare) },
  loadShare: { title: 'load core', of: (it) => percent(it.loadShare) },
  limit: { title: 'limit', of: (it) => (it.serverShare >= it.loadShare ? 'server' : 'load') },
  held: { title: 'connections', of: ({ held, wanted, why }) => heldOf(held, wanted, why) },
  heldBytes: { title: 'KB each', of: (it) => (it.heldBytes / 1000).toFixed(2) },
  freshBytes: { title: 'private MB/worker, fresh', of: (it) => (it.freshBytes / 1e6).toFixed(1) },
  usedBytes: { title: 'after load', of: (it) => (it.usedBytes / 1e6).toFixed(1) },
  pssBytes: { title: 'PSS MB', of: (it) => (it.pssBytes / 1e6).toFixed(1) },
  workerBytes: { title: 'private MB/worker', of: (it) => (it.workerBytes / 1e6).toFixed(1) },
  load: { title: 'connections', of: ({ load }) => load },
  variant: { title: 'strategy', of: ({ variant }) => `\`${variant}\`` },
  model: { title: 'model', of: ({ variant }) => `\`${variant}\`` },
  requestsPerSecond: { title: 'requests/s', of: (it) => thousands(it.requestsPerSecond) },
  cpuUs: { title: 'CPU µs/request', of: (it) => it.cpuUs.toFixed(it.cpuUs < 100 ? 1 : 0) },
  connectionUs: { title: 'CPU µs/connection', of: (it) => it.connectionUs.toFixed(0) },
  perCore: { title: 'a core could do', of: (it) => `${thousands(it.perCore)}/s` },
  connectionsPerSecond: { title: 'connections/s', of: (it) => thousands(it.connectionsPerSecond) },
  resumedShare: { title: 'resumed', of: (it) => percent(it.resumedShare) },
  p50Ms: { title: 'p50 ms', of: (it) => it.p50Ms.toFixed(2) },
  p99Ms: { title: 'p99 ms', of: (it) => it.p99Ms.toFixed(2) },
  p999Ms: { title: 'p99.9 ms', of: (it) => it.p999Ms.toFixed(2) },
  acceptedEvenness: { title: 'connections max/mean', of: (it) => it.acceptedEvenness.toFixed(2) },
  requestsEvenness: { title: 'requests max/mean', of: (it) => it.requestsEvenness.toFixed(2) },
  privateBytes: { title: 'private MB/worker', of: (it) => (it.privateBytes / 1e6).toFixed(1) },
  linesOff: { title: 'log lines off', of: (it) => thousands(it.linesOff) },
  minutes: { title: 'minutes', of: (it) => (it.seconds / 60).toFixed(1) },
  answered: { title: 'answers', of: (it) => thousands(it.answered) },
  allPrivateBytes: { title: 'private MB', of: (it) => (it.privateBytes / 1e6).toFixed(1) },
  descriptors: { title: 'descriptors', of: (it) => thousands(it.descriptors) },
  failures: { title: 'failures', of: (it) => String(it.failures) },
}

/**
 * Rows of results, the columns named so. The first column is a word, all others are right-aligned figures but names.
 * `yardstick` is whom the ratio is to.
 */
export function table(rows, names, yardstick) {
  const columns = names.map((name) =>
    name === 'ratio' ? { ...COLUMNS.ratio, title: `/ ${yardstick}` } : COLUMNS[name],
  )
  const line = (cells) => `| ${cells.join(' | ')} |`
  const rule = names.map((name) => (['server', 'limit', 'load', 'variant', 'model'].includes(name) ? '---' : '---:'))
  return [
    line(columns.map(({ title }) => title)),
    line(rule),
    ...rows.map((row) => line(columns.map((it, i) => (row[names[i]] === null ? NOTHING : it.of(row))))),
  ].join('\n')
}

/** The page with each of `texts`, by name, in its place. A place that a page lacks is a mistake. */
export function writeInto(page, texts) {
  return Object.entries(texts).reduce((result, [name, text]) => {
    const opening = `<!-- figures: ${name} -->\n`
    const from = result.indexOf(opening) + opening.length
    const to = result.indexOf('<!-- end of figures -->', from)
    if (from < opening.length || to === -1)
      throw new Error(`the page has no place for the figures "${name}": ${opening}`)
    return `${result.slice(0, from)}\n${text}\n\n${result.slice(to)}`
  }, page)
}

function heldOf(held, wanted, why) {
  return why === null ? thousands(held) : `${thousands(held)} of ${thousands(wanted)}: ${why}`
}

function thousands(number) {
  return Math.round(number).toLocaleString('en')
}

function percent(share) {
  return `${Math.round(share * 100)} %`
}
