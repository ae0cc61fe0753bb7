import { openNode, type Event, type Node } from '../../../src/index.ts'
import { webCrypto } from '../../../src/node/web-crypto.ts'
import { openIdbStore } from '../../../src/store/idb-event-store.ts'
import { linesOf } from '../../../src/stream/body.ts'
import { decodeHeader } from '../../../src/stream/header.ts'
import type { SwarmId } from '../../../src/core/ids.ts'
import { estimatedBytes, storedBytes } from './disk.ts'
import { fill, type Filling } from './fill.ts'

/** What an empty node has on disk: what is kept in reserve, most of all. */
let emptyBytes = { stored: 0, estimated: 0 }

/** What the history of `makeHistory` takes, without that. */
export const historyBytes = async (swarm: SwarmId): Promise<{ readonly stored: number; readonly estimated: number }> =>
  ({ stored: (await storedBytes(swarm)) - emptyBytes.stored, estimated: (await estimatedBytes()) - emptyBytes.estimated })

/** Makes the swarm of this profile and fills its disk. @returns the swarm's id */
export const makeHistory = async (filling: Filling): Promise<string> => {
  const node = await openNode({ found: true, name: 'Bench' })
  const { swarm } = node
  await node.close()
  emptyBytes = { stored: await storedBytes(swarm), estimated: await estimatedBytes() }
  const store = await openIdbStore(swarm)
  await fill(store, swarm, filling)
  await store.close()
  return swarm
}

/** All lines on disk, each as text. */
const linesOnDisk = async (swarm: Parameters<typeof openIdbStore>[0]): Promise<readonly string[]> => {
  const store = await openIdbStore(swarm)
  const decoder = new TextDecoder()
  const lines: string[] = []
  for (const [stream, { start, next }] of await store.heads()) {
    for (let offset = start; offset < next; ) {
      const piece = await store.piece(stream, offset)
      const header = piece === undefined ? undefined : decodeHeader(piece.sealed.header)
      if (piece === undefined || header?.ok !== true) throw new Error(`${stream} cannot be read at ${offset}`)
      const body = piece.type === 'open' ? piece.body : await webCrypto.inflate(piece.deflated, header.value.bodyBytes)
      for (const line of linesOf(body ?? new Uint8Array(0))) lines.push(decoder.decode(line))
      offset = piece.first + header.value.events
    }
  }
  await store.close()
  return lines
}

let node: Node | undefined
let lines: readonly string[] = []

/** Opens this profile's node, and holds the lines of its disk as text. */
export const openReading = async (): Promise<void> => {
  node = await openNode({})
  lines = await linesOnDisk(node.swarm)
}

/** B3. Milliseconds to read all events in order from disk, kept until all are there. */
export const readInOrder = async (): Promise<{ readonly ms: number; readonly events: number }> => {
  const begun = performance.now()
  const events: Event[] = []
  for await (const event of node?.query({}) ?? []) events.push(event)
  return { ms: performance.now() - begun, events: events.length }
}

/** Milliseconds to parse the same lines as JSON one by one, kept until all are there. */
export const parseLines = (): { readonly ms: number; readonly events: number } => {
  const begun = performance.now()
  const values = lines.map((line) => JSON.parse(line) as unknown)
  return { ms: performance.now() - begun, events: values.length }
}
