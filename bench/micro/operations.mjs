/**
 * The small measurements by name: pieces of the way of a request, and the whole of
 * it. `make` sets the stage and gives what is done again and again; `requests`, when
 * that is for several requests, how many: what is told is for one.
 */
import { LIMITS_OF_HEADS, REQUESTS } from './requests.mjs'
import { DONE, HeadParser, LazyRequest, responseHead, Stage } from './stage.mjs'

const PIPELINED = 16
/** The foreign calls that are not the server's. The time is that of both. */
const CLIENT = { send: 1, recv: 1 }

export const OPERATIONS = {
  'parse-small': { what: 'a small head parsed', make: () => parse(REQUESTS.hello) },
  'parse-browser': { what: "a browser's head parsed", make: () => parse(REQUESTS.browser) },
  'parse-pipelined': {
    what: 'one of 16 small heads that lie together',
    requests: PIPELINED,
    make: () => parse(Buffer.concat(Array(PIPELINED).fill(REQUESTS.hello)), PIPELINED),
  },
  router: { what: 'host, route and rule looked up, and its fixed reply', make: () => route('hello') },
  'router-app': { what: 'the same, and an app that answers JSON', make: () => route('json') },
  'response-head': { what: 'the head of an answer made', make: writeHead },
  request: { what: "an app's Request: URL and one header read", make: makeRequest },
  'real-request': { what: 'the same, and all else of a Request: a real one', make: makeRealRequest },
  hello: { what: 'hello by a rule', make: () => inMemory('hello') },
  'hello-browser': { what: "hello by a rule, to a browser's request", make: () => inMemory('browser') },
  pipelined: {
    what: 'one of 16 requests sent together',
    requests: PIPELINED,
    make: async () => (await Stage.set()).inMemory(Buffer.concat(Array(PIPELINED).fill(REQUESTS.hello))),
  },
  app: { what: 'hello by an app', make: () => inMemory('app') },
  json: { what: 'an app that answers JSON', make: () => inMemory('json') },
  'hello-socket': { what: 'hello by a rule over a socket', ofClient: CLIENT, make: () => overSockets('hello') },
  'json-socket': { what: 'an app that answers JSON over a socket', ofClient: CLIENT, make: () => overSockets('json') },
}

function parse(bytes, count = 1) {
  const parser = new HeadParser(LIMITS_OF_HEADS)
  return () => {
    let from = 0
    for (let i = 0; i < count; i++) {
      if (parser.parse(bytes, from, bytes.length) !== DONE) throw new Error('not a request')
      parser.take(bytes, from)
      from += parser.bytesUsed
      parser.reset()
    }
  }
}

async function route(name) {
  const stage = await Stage.set()
  const incoming = stage.incoming(REQUESTS[name])
  return () => stage.handler(incoming)
}

function writeHead() {
  const fields = ['Content-Type', 'text/plain', 'Cache-Control', 'no-cache']
  const date = 'Sun, 06 Nov 1994 08:49:37 GMT'
  const framing = { kind: 'length', length: 14 }
  return () => flatten(responseHead(1, 200, fields, framing, null, date))
}

/** A string made of pieces is put together when it is first looked into: that belongs to making it. */
function flatten(text) {
  return text.charCodeAt(text.length - 1)
}

async function makeRequest() {
  const incoming = (await Stage.set()).incoming(REQUESTS.json)
  return () => {
    const request = new LazyRequest(incoming, 'http://localhost:8080')
    return request.url.length + request.headers.get('user-agent').length
  }
}

async function makeRealRequest() {
  const incoming = (await Stage.set()).incoming(REQUESTS.json)
  return () => LazyRequest.real(new LazyRequest(incoming, 'http://localhost:8080'))
}

async function inMemory(name) {
  return (await Stage.set()).inMemory(REQUESTS[name])
}

async function overSockets(name) {
  const { ask, serve, hear } = (await Stage.set()).overSockets(REQUESTS[name])
  return () => {
    ask()
    serve()
    hear()
  }
}
