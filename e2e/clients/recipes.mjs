// Runs a recipe of docs/FRONTEND.md, whose files are in a folder, in an account that
// has 30 events and a destination:
//
//	node recipes.mjs <urql | apollo | relay> <folder> <account> <token> <url of the door for events>
import assert from 'node:assert/strict'
import { register } from 'node:module'
import { join } from 'node:path'
import WebSocket from 'ws'

const sockets = []
globalThis.WebSocket = class extends WebSocket { // browsers have it
  constructor(...args) {
    super(...args)
    sockets.push(this)
  }
}
// Relay's compiler leaves out how its files end, which bundlers know.
const resolve = `export const resolve = (name, context, next) => next(name.endsWith('.graphql') ? name + '.js' : name, context)`
register('data:text/javascript,' + encodeURIComponent(resolve))

const [name, folder, account, token, door] = process.argv.slice(2)
const load = (file) => import(join(folder, file))

const send = async () => {
  const answer = await fetch(door, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: '{}',
  })
  return (await answer.json()).event_id
}

// Events are sent until one has been seen to arrive: a subscription tells of what
// happens after it has begun.
const arrives = (follow) =>
  new Promise((resolve, reject) => {
    const tell = (delivery, error) => {
      if (error) reject(error)
      if (delivery?.status === 'SUCCEEDED') resolve(delivery)
    }
    follow(tell, reject)
    const again = setInterval(() => send().catch(reject), 200)
    again.unref()
  })

const recipes = {
  async urql() {
    const { client } = await load('urql.js')
    const { follow } = await load('urql-follow.js')
    const { data, error } = await client.query('query { events(first: 20) { edges { node { id } } } }', {}).toPromise()
    assert.equal(error, undefined)
    assert.equal(data.events.edges.length, 20)
    const events = []
    await arrives(async (tell, reject) => {
      for (;;) {
        const event = await send()
        events.push(event)
        follow(event, tell)
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    })
  },

  async apollo() {
    const { client } = await load('apollo.js')
    const { events, live, more } = await load('apollo-events.js')
    const watched = client.watchQuery({ query: events })
    const first = await client.query({ query: events })
    assert.equal(first.data.events.edges.length, 20)
    const both = new Promise((resolve) =>
      watched.subscribe(({ data }) => data?.events.edges.length > 20 && resolve(data.events.edges)),
    )
    await more(watched)
    assert.equal(new Set((await both).map(({ node }) => node.id)).size, 30, 'both pages are one list')
    const seen = new Set()
    const told = await arrives((tell, reject) =>
      live().subscribe({
        next: ({ data, error }) => {
          seen.add(data?.deliveryUpdated.delivery.id)
          tell(data?.deliveryUpdated.delivery, error)
        },
        error: reject,
      }),
    )
    sockets.at(-1).terminate()
    const missed = (await send()).replace('evt_', 'dlv_') // its first delivery, as docs/decisions/0004 has it
    while (!seen.has(missed)) await new Promise((resolve) => setTimeout(resolve, 50))
    const kept = client.cache.extract()[`Delivery:${told.id}`]
    assert.equal(kept.status, 'SUCCEEDED', 'the cache has what was told')
  },

  async relay() {
    const { environment } = await load('environment.js')
    const { commitMutation, createOperationDescriptor, fetchQuery, getSingularSelector, requestSubscription } = (
      await import('relay-runtime')
    ).default
    const artifact = async (file) => (await load(`src/__generated__/${file}.graphql.js`)).default
    const query = await artifact('RecipeQuery')
    const variables = { id: account }
    environment.retain(createOperationDescriptor(query, variables))
    const { node } = await fetchQuery(environment, query, variables).toPromise()
    const list = async () => environment.lookup(getSingularSelector(await artifact('Events_account'), node.Events_account)).data.events
    assert.equal((await list()).edges.length, 20)
    const { endCursor: cursor } = (await list()).pageInfo
    await fetchQuery(environment, await artifact('EventsPage'), { ...variables, count: 20, cursor }).toPromise()
    assert.equal((await list()).edges.length, 30, 'both pages are one list')

    const subscription = await artifact('EventsSubscription')
    await arrives(async (tell, reject) => {
      for (;;) {
        const event = await send()
        requestSubscription(environment, {
          subscription,
          variables: { event },
          onNext: (data) => tell(data.deliveryUpdated.delivery),
          onError: reject,
        })
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    })

    const destination = node.destinations.edges[0].node.id
    const record = () => environment.getStore().getSource().get(destination)
    assert.ok(record())
    const mutation = await artifact('EventsDeleteDestinationMutation')
    await new Promise((onCompleted, onError) =>
      commitMutation(environment, {
        mutation,
        variables: { id: destination },
        onError,
        onCompleted: (_, errors) => (errors ? onError(errors) : onCompleted()),
      }),
    )
    assert.equal(record(), null, 'what was deleted is gone')
  },
}

await recipes[name]()
process.exit(0)
