import { openNode, tags, type Event, type Node } from '../../../src/index.ts'
import { logEvents } from './log.ts'

let node: Node | undefined
let walk: AsyncIterator<Event> | undefined

/** B7. Milliseconds from the call until the first publish of a page is durable. */
export const openAndPublish = async (): Promise<number> => {
  const [event] = await logEvents(0, 1)
  const begun = performance.now()
  node = await openNode({})
  await node.publish(event === undefined ? [] : [event])
  return performance.now() - begun
}

/** Milliseconds of publishes one after the other. */
export const publishesMs = async (count: number): Promise<readonly number[]> => {
  const times: number[] = []
  for (const event of await logEvents(1, count)) {
    const begun = performance.now()
    await node?.publish([event])
    times.push(performance.now() - begun)
  }
  return times
}

/** Milliseconds to read all events that carry a tag. */
export const queryTag = async (tag: string): Promise<{ readonly ms: number; readonly events: number }> => {
  const begun = performance.now()
  let events = 0
  for await (const _ of node?.query({ where: tags(tag) }) ?? []) events++
  return { ms: performance.now() - begun, events }
}

/** An order of the log in its last round but one, of which there are few events. */
export const rareTag = async (events: number): Promise<string> => {
  const [event] = await logEvents(Math.max(0, events - 15_000), 1)
  return event?.tags.find((tag) => tag.startsWith('order:')) ?? ''
}

/** Reads on in all events, in order, and keeps none. @returns how many there were */
export const readOn = async (count: number): Promise<number> => {
  walk ??= node?.query({})[Symbol.asyncIterator]()
  let read = 0
  while (read < count && (await walk?.next())?.done === false) read++
  return read
}
