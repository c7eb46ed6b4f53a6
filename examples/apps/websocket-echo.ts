/**
 * A WebSocket echo by the package ws, and a page to try it in a browser.
 *
 *     prefork ./examples/apps/websocket-echo.ts
 *
 * A client that sends and does not read is read from no further: what waits to
 * be sent to it stays bounded. When the worker is to end, clients are told to
 * come back (1001): the next worker is there already.
 */
import { type WebSocket, WebSocketServer } from 'ws'
import type { App, AppContext } from '../../src/index.ts'

const MESSAGE_BYTES_MAX = 64 * 1024 * 1024
/** How much may wait to be sent to a client before it is read from no further. */
const WAITING_BYTES_MAX = 1024 * 1024
const GOING_AWAY = 1001

const webSockets = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: MESSAGE_BYTES_MAX })

const app: App = {
  fetch(request, context) {
    const { pathname } = new URL(request.url)
    if (pathname === '/') return new Response(PAGE, { headers: { 'content-type': 'text/html; charset=utf-8' } })
    if (pathname !== '/echo') return new Response('There is /echo, and a page at /.\n', { status: 404 })
    if (request.headers.get('upgrade')?.toLowerCase() === 'websocket') return open(context)
    return new Response('This is for WebSockets.\n', { status: 426, headers: { upgrade: 'websocket' } })
  },
}

export default app

function open(context: AppContext): undefined {
  const { request, socket, head, ending } = context.upgrade()
  webSockets.handleUpgrade(request, socket, head, (client) => {
    echo(client)
    const leave = () => client.close(GOING_AWAY, 'this worker ends: come back')
    ending.addEventListener('abort', leave)
    if (ending.aborted) leave()
  })
}

function echo(client: WebSocket): void {
  const sent = () => {
    if (client.isPaused && client.bufferedAmount <= WAITING_BYTES_MAX) client.resume()
  }
  client.on('message', (data, isBinary) => {
    client.send(data, { binary: isBinary }, sent)
    if (client.bufferedAmount > WAITING_BYTES_MAX) client.pause()
  })
  client.on('error', () => {}) // a broken frame: ws has said so to the client, and closes
}

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>WebSocket echo</title>
<style>
:root { color-scheme: light dark }
body { margin: 3rem auto; max-width: 40rem; padding: 0 1rem; font: 1.0625rem/1.6 system-ui, sans-serif }
form { display: flex; gap: .5rem }
input { flex: 1; font: inherit; padding: .3rem .6rem }
button { font: inherit; padding: .3rem 1rem }
li { overflow-wrap: anywhere }
</style>
<h1>WebSocket echo</h1>
<p id="state">connecting …</p>
<form><input autofocus aria-label="message" placeholder="say something"><button>Send</button></form>
<ol id="heard"></ol>
<script type="module">
const state = document.getElementById('state')
const heard = document.getElementById('heard')
const input = document.querySelector('input')
const socket = new WebSocket(location.href.replace(/^http/, 'ws') + 'echo')
socket.onopen = () => { state.textContent = 'open' }
socket.onclose = ({ code, reason }) => { state.textContent = 'closed: ' + code + ' ' + reason }
socket.onmessage = ({ data }) => { heard.append(Object.assign(document.createElement('li'), { textContent: data })) }
document.querySelector('form').onsubmit = (event) => {
  event.preventDefault()
  socket.send(input.value)
  input.value = ''
}
</script>
`
