// Subscribes with a client that is not ours, prints what it gets, one line of JSON
// each, and ends after so many:
//
//	node subscribe.mjs <client> <url of /graphql> <token> <after> <how many>
import { Client, fetchExchange, subscriptionExchange } from '@urql/core'
import { EventSource } from 'eventsource'
import { createClient as createSSE } from 'graphql-sse'
import { createClient as createWS } from 'graphql-ws'
import { pipe, subscribe } from 'wonka'
import WebSocket from 'ws'

const [name, url, token, after, count] = process.argv.slice(2)
const query = `subscription Tail($after: Cursor) {
  eventReceived(after: $after) { cursor skipped at event { id payload } }
}`
const variables = { after }
const authorization = { Authorization: `Bearer ${token}` }

let left = Number(count)
let stop = () => {}
const told = (result) => {
  if (result.errors?.length || result.error) fail(result.errors ?? result.error)
  console.log(JSON.stringify(result.data.eventReceived))
  if (--left === 0) end()
}
const fail = (error) => {
  console.error(error)
  process.exit(1)
}
const end = async () => {
  await stop()
  process.exit(0)
}
const sink = { next: told, error: fail, complete: () => fail('the subscription has ended') }

const socket = () =>
  createWS({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: authorization,
    retryAttempts: 0,
  })

const clients = {
  'graphql-ws': () => {
    const client = socket()
    client.subscribe({ query, variables }, sink)
    stop = () => client.dispose()
  },
  'graphql-sse': () => {
    const client = createSSE({ url, headers: authorization, retryAttempts: 0 })
    client.subscribe({ query, variables }, sink)
    stop = () => client.dispose()
  },
  // urql over fetch: the server-sent events that it asks for by itself.
  urql: () => {
    const client = new Client({
      url,
      exchanges: [fetchExchange],
      fetchSubscriptions: true,
      preferGetMethod: false,
      fetchOptions: { headers: authorization },
    })
    const { unsubscribe } = pipe(client.subscription(query, variables), subscribe(told))
    stop = unsubscribe
  },
  // urql over graphql-ws, as its documentation has it.
  'urql-ws': () => {
    const ws = socket()
    const client = new Client({
      url,
      exchanges: [
        subscriptionExchange({
          forwardSubscription: (request) => ({
            subscribe: (s) => ({ unsubscribe: ws.subscribe({ ...request, query: request.query ?? '' }, s) }),
          }),
        }),
      ],
    })
    const { unsubscribe } = pipe(client.subscription(query, variables), subscribe(told))
    stop = unsubscribe
  },
  // What browsers have without any library.
  EventSource: () => {
    const at = new URL(url)
    at.searchParams.set('query', query)
    at.searchParams.set('variables', JSON.stringify(variables))
    const source = new EventSource(at, {
      fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...authorization } }),
    })
    source.addEventListener('next', (e) => told(JSON.parse(e.data)))
    source.addEventListener('complete', () => fail('the subscription has ended'))
    source.addEventListener('error', (e) => fail(e.message ?? e))
    stop = () => source.close()
  },
}
clients[name]()
