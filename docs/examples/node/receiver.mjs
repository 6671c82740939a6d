// A destination in Node, without a library: it verifies each request's signature.
//
//   WEBHOOK_SECRET=whsec_… node docs/examples/node/receiver.mjs
//
// Behind Express or Next.js, verify the body's bytes as they came, before anything
// parses them.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'

const secret = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ''), 'base64')
const tolerance = 300 // seconds: an older request is somebody's copy

// verify is whether the destination's owner has sent what is signed: the body, or
// for a GET the query string.
export function verify(headers, signed, now = Date.now() / 1000) {
  const id = headers['webhook-id']
  const timestamp = headers['webhook-timestamp']
  if (!id || !(Math.abs(now - Number(timestamp)) <= tolerance)) return false
  const expected = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(signed).digest()
  // While a secret is being rotated there are two signatures; one has to be right.
  return (headers['webhook-signature'] ?? '').split(' ').some((signature) => {
    const [version, value] = signature.split(',')
    const given = Buffer.from(value ?? '', 'base64')
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected)
  })
}

const server = createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const query = request.url.includes('?') ? request.url.slice(request.url.indexOf('?') + 1) : ''
  if (!verify(request.headers, request.method === 'GET' ? query : body)) {
    console.log('refused')
    response.writeHead(401).end('the signature is wrong\n')
    return
  }
  // The same event may come twice, with the same webhook-id: remember those that are done.
  console.log(request.headers['webhook-id'], body.toString())
  response.writeHead(204).end()
})
server.listen(Number(process.env.PORT ?? 9000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`)
})
