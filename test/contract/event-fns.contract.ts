import type { Actyx, ActyxEvent } from '../../src/actyx/actyx.ts'
import type { Node } from '../../src/node/node.ts'
import { callbackCases } from './event-fns-callbacks.ts'
import { observingCases } from './event-fns-observing.ts'
import { publishingCases } from './event-fns-publishing.ts'
import { queryCases } from './event-fns-queries.ts'
import { subscriptionCases } from './event-fns-subscriptions.ts'

/** The interface over the node under test, and another node of its swarm that it is connected with. */
export interface EventFnsWorld {
  readonly node: Node
  readonly actyx: Actyx
  readonly other: Actyx
  /** Whether the two hear of each other. */
  readonly link: { readonly cut: () => void; readonly heal: () => void }
  /** Whether the disk of the node under test can be read, and how often it could not. */
  readonly disk: { readonly fail: () => void; readonly mend: () => void; readonly refused: () => number }
  readonly until: (holds: () => boolean | Promise<boolean>) => Promise<void>
  /** Lets everything happen that is under way. */
  readonly settle: () => Promise<void>
}

export interface EventFnsCase {
  /** `C1` … */
  readonly rule: string
  readonly title: string
  readonly run: (world: EventFnsWorld) => Promise<void>
}

/** Every rule of `EventFns`. */
export const eventFnsCases: readonly EventFnsCase[] = [...callbackCases, ...publishingCases, ...queryCases, ...subscriptionCases, ...observingCases]

export const payloadsOf = (events: readonly ActyxEvent[]): readonly unknown[] => events.map(({ payload }) => payload)

/** Publishes one event after the other. */
export const say = async (actyx: Actyx, tag: string, ...payloads: readonly unknown[]): Promise<void> => {
  for (const event of payloads) await actyx.publish({ tags: [tag], event })
}

/** Both publish while they are apart: what the other says sorts before the last that the node under test has said. */
export const sayApart = async ({ actyx, other, link, until }: EventFnsWorld, tag: string, own: readonly unknown[], others: readonly unknown[]): Promise<void> => {
  // The first event of a node sorts high above what it has seen.
  await say(other, 'hello', 'hello')
  await until(async () => (await actyx.present())[`${other.nodeId}-0`] !== undefined)
  link.cut()
  await say(other, tag, ...others)
  await say(actyx, tag, ...own)
}

/** The two come to hold the same again. */
export const heal = async ({ actyx, other, link, until }: EventFnsWorld): Promise<void> => {
  link.heal()
  await until(async () => {
    const [own, its] = [await actyx.present(), await other.present()]
    return Object.keys({ ...own, ...its }).every((stream) => own[stream] === its[stream])
  })
}

/** A promise, and the way to settle it. */
export const gate = () => {
  let open = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open: () => open() }
}
