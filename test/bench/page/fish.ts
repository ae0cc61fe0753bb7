import { createPond, FishId, openNode, type Fish, type JsonValue, type Node, type Pond } from '../../../src/index.ts'
import { ordersFish } from '../../../src/app/orders/orders.ts'
import { changesIn, scopeOf } from '../../../src/node/scope.ts'
import { openIdbStore } from '../../../src/store/idb-event-store.ts'
import { fill } from './fill.ts'

interface Work {
  readonly events: number
  readonly good: number
  readonly scrap: number
}

const numberIn = (event: JsonValue, key: string): number => {
  const value = typeof event === 'object' && event !== null && !Array.isArray(event) ? (event as Record<string, JsonValue>)[key] : undefined
  return typeof value === 'number' ? value : 0
}

let folds = 0

/** What was made in all: a fold that costs next to nothing itself. */
const workFish = (name: string): Fish<Work, JsonValue> => ({
  fishId: FishId.of('work', name, 1),
  where: [{ tags: ['operation'] }],
  initialState: { events: 0, good: 0, scrap: 0 },
  onEvent: (state, event) => (folds++, { events: state.events + 1, good: state.good + numberIn(event, 'good'), scrap: state.scrap + numberIn(event, 'scrap') }),
})

let node: Node | undefined
let pond: Pond | undefined

const parts = () => {
  if (node === undefined || pond === undefined) throw new Error('no pond is open')
  return { node, pond }
}

export const openPond = async (): Promise<void> => {
  node = await openNode({ name: 'Bench' })
  pond = createPond(node)
}

export const disposePond = (): Promise<void> => parts().pond.dispose()

/** Milliseconds until a fish that nobody has folded before has its state, and how many events are in it. */
export const foldAnew = async (name: string): Promise<{ readonly ms: number; readonly events: number }> => {
  const begun = performance.now()
  const { events } = await parts().pond.currentState(workFish(name))
  return { ms: performance.now() - begun, events }
}

/** The same for the orders of the app. */
export const foldOrders = async (): Promise<{ readonly ms: number; readonly orders: number }> => {
  const begun = performance.now()
  const { orders } = await parts().pond.currentState(ordersFish)
  return { ms: performance.now() - begun, orders: orders.length }
}

/** Milliseconds to read the same events in order. */
export const readOperations = async (): Promise<{ readonly ms: number; readonly events: number }> => {
  const begun = performance.now()
  const events: unknown[] = []
  for await (const event of parts().node.query({ where: [{ tags: ['operation'] }] })) events.push(event)
  return { ms: performance.now() - begun, events: events.length }
}

/** Keeps that many fish running on the same events. */
export const observeWork = async (name: string, count: number): Promise<void> => {
  const told = Array.from({ length: count }, (_, at) => new Promise<void>((done) => parts().pond.observe(workFish(`${name} ${at}`), () => done())))
  await Promise.all(told)
}

/** Events of another node come that sort after that Lamport time. @returns milliseconds from when they are on disk until a fish has them all, and how often one was folded */
export const addLate = async (name: string, lamportBefore: number, events: number): Promise<{ readonly ms: number; readonly folds: number }> => {
  const { swarm } = parts().node
  const store = await openIdbStore(swarm)
  const channel = new BroadcastChannel(changesIn(scopeOf(swarm)))
  const before = await parts().pond.currentState(workFish(name))
  folds = 0
  let begun = 0
  let stop: () => void = () => undefined
  const done = new Promise<number>((resolve) => {
    stop = parts().pond.observe(workFish(name), (state) => {
      if (state.events >= before.events + events) resolve(performance.now())
    })
  })
  const step = Math.min(events, 4_000)
  for (let from = 0; from < events; from += step) {
    const streams = await fill(store, swarm, { streams: 1, events: step, perBatch: 1, lamportBefore: lamportBefore + from })
    begun = performance.now()
    channel.postMessage({ type: 'grown', streams })
  }
  const ended = await done
  stop()
  channel.close()
  await store.close()
  return { ms: ended - begun, folds }
}
