import { openNode, type Explanation, type Node } from '../../../src/index.ts'
import { changesIn, scopeOf } from '../../../src/node/scope.ts'
import { openIdbStore } from '../../../src/store/idb-event-store.ts'
import { fill } from './fill.ts'
import { logEvents } from './log.ts'

let node: Node | undefined

const opened = (): Node => {
  if (node === undefined) throw new Error('no node is open')
  return node
}

export const openQueries = async (): Promise<void> => {
  node = await openNode({ name: 'Bench' })
}

/** The tag of the order that the event at that place of the log is about: some forty events have it, a few minutes or weeks of one round of the log apart. */
export const orderTagAt = async (place: number): Promise<string> => {
  const [event] = await logEvents(place, 1)
  const tag = event?.tags.find((each) => each.startsWith('order:'))
  if (tag === undefined) throw new Error('the log has no orders')
  return tag
}

/** Q1. Milliseconds until all results are there. */
export const askTag = async (tag: string): Promise<{ readonly ms: number; readonly results: number }> => {
  const begun = performance.now()
  let results = 0
  for await (const answer of opened().aql(`FROM '${tag}' SELECT _.operation`)) if (answer.type === 'event') results++
  return { ms: performance.now() - begun, results }
}

export const explainTag = async (tag: string): Promise<Explanation> => {
  for await (const answer of opened().aql(`EXPLAIN FROM '${tag}' SELECT _.operation`)) if (answer.type === 'explain') return answer.explanation
  throw new Error('nothing was explained')
}

let delivered: () => void = () => undefined

/** Q2. One subscription that matches, and others that do not; resolves when all have caught up. */
export const subscribeAmong = async (others: number): Promise<void> => {
  const caughtUp = (tag: string, heard: () => void) =>
    new Promise<void>((done, failed) =>
      opened().subscribe({ where: [{ tags: ['machine', tag] }] }, { events: (chunk) => (chunk.length > 0 ? heard() : done()), timeTravel: () => undefined, failed }))
  await Promise.all([caughtUp('machine:one', () => delivered()), ...Array.from({ length: others }, (_, at) => caughtUp(`machine:${at}`, () => undefined))])
}

/** Milliseconds from when a publish is stored until the subscription that matches has it, one by one. */
export const publishToOne = async (count: number): Promise<readonly number[]> => {
  const took: number[] = []
  for (let at = 0; at < count; at++) {
    let heardAt = 0
    const heard = new Promise<void>((done) => (delivered = () => {
      heardAt = performance.now()
      done()
    }))
    const begun = performance.now()
    await Promise.all([opened().publish([{ tags: ['machine', 'machine:one'], event: { at } }]), heard])
    took.push(heardAt - begun)
  }
  return took
}

let total = 0
let groupsTold: () => void = () => undefined

/** Q3. Follows how often each station did something; resolves when all that is present is counted. */
export const followGroups = (): Promise<number> =>
  new Promise((resolve, reject) => {
    let isCaughtUp = false
    opened().subscribeAql("FROM 'operation' GROUP BY _.station AGGREGATE { station: _, events: COUNT(_), good: SUM(_.good) ?? 0 }", {
      answers: (answers, caughtUp) => {
        for (const answer of answers) {
          if (answer.type !== 'event' && answer.type !== 'antiEvent') continue
          const { events } = answer.payload as { readonly events: number }
          total += answer.type === 'event' ? events : -events
        }
        if (caughtUp && !isCaughtUp) resolve(total)
        isCaughtUp ||= caughtUp
        groupsTold()
      },
      failed: reject,
    })
  })

/** Events of another node are on disk. @returns milliseconds from then until the groups are what they are with them */
export const addToGroups = async (count: number): Promise<number> => {
  const { swarm } = opened()
  const store = await openIdbStore(swarm)
  const streams = await fill(store, swarm, { streams: 1, events: count, perBatch: 1 })
  await store.close()
  const wanted = total + count
  const channel = new BroadcastChannel(changesIn(scopeOf(swarm)))
  const begun = performance.now()
  const done = new Promise<void>((resolve) => (groupsTold = () => {
    if (total === wanted) resolve()
  }))
  channel.postMessage({ type: 'grown', streams })
  await done
  channel.close()
  return performance.now() - begun
}
