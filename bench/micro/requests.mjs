/** The requests that the small measurements are about, as bytes. */

/** As the server's defaults have them. */
export const LIMITS_OF_HEADS = { headBytes: 16_384, fieldCount: 100, targetBytes: 8_192 }

const SMALL = ['Host: localhost:8080', 'User-Agent: small/1.0']
const OF_APP = ['Host: app.example.com', 'User-Agent: small/1.0']
const BROWSER = [
  'Host: www.example.org',
  'Connection: keep-alive',
  'sec-ch-ua: "Chromium";v="130", "Not?A_Brand";v="99"',
  'sec-ch-ua-mobile: ?0',
  'sec-ch-ua-platform: "Linux"',
  'Upgrade-Insecure-Requests: 1',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Sec-Fetch-Site: none',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-User: ?1',
  'Sec-Fetch-Dest: document',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-GB,en;q=0.9',
  'Cookie: session=0123456789abcdef0123456789abcdef; theme=dark',
]

export const REQUESTS = {
  hello: bytesOf('GET /hello', SMALL),
  browser: bytesOf('GET /hello', BROWSER),
  app: bytesOf('GET /hello', OF_APP),
  json: bytesOf('GET /json?id=7', OF_APP),
}

function bytesOf(line, fields) {
  return Buffer.from([`${line} HTTP/1.1`, ...fields, '', ''].join('\r\n'), 'latin1')
}
