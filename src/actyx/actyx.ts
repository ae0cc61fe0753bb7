/** The interface of Actyx over a node. @module millpond/actyx */
import { isAppId } from '../core/tags.ts'
import type { Node } from '../node/node.ts'
import { createAql } from './aql.ts'
import { ActyxError } from './errors.ts'
import type { EventFns } from './event-fns.ts'
import { nodeInfoOf, type NodeInfo } from './node-info.ts'
import { createObserving } from './observe.ts'
import { createPublishing } from './publishing.ts'
import { createQueries } from './queries.ts'
import { missingIn, waitUntilReplicated } from './replication.ts'
import { createRuns, type Clock } from './runs.ts'
import { createSnapshotStore, type SnapshotStore } from './snapshot-store.ts'
import { createFollowing } from './subscriptions.ts'
import type { AppManifest, NodeId } from './types.ts'

export { ActyxError, type ActyxErrorCode } from './errors.ts'
export type { EventFns } from './event-fns.ts'
export type { NodeInfo, PeerReach } from './node-info.ts'
export type { Clock } from './runs.ts'
export type { LocalSnapshot, SnapshotStore } from './snapshot-store.ts'
export { allEvents, Tag, Tags, type TypedEvent, type Union } from './tags.ts'
export type * from './types.ts'

/** What an application gets from `Actyx.of`, here over a Millpond node. */
export interface Actyx extends EventFns {
  /** Of the node, at present: after `IDENTITY-CHANGED` another one. */
  readonly nodeId: NodeId
  readonly snapshotStore: SnapshotStore
  /** Stops all that was begun here. The node goes on: who opened it closes it. */
  dispose: () => void
  /** Waits until another node is connected and nothing is known to be missing, at most until the node has run for 30 s. */
  waitForSync: () => Promise<void>
  /** Of the moment: `maxAgeMillis` is not needed. */
  nodeInfo: (maxAgeMillis: number) => Promise<NodeInfo>
}

const realClock: Clock = {
  nowMicros: () => Date.now() * 1000,
  after: (delayMs, call) => {
    const timer = setTimeout(call, delayMs)
    return () => clearTimeout(timer)
  },
}

/**
 * The interface of Actyx over a node: what is written for it runs on Millpond unchanged but for this line. Several may stand over one node.
 * @param manifest its app id is that of what is published, and `appId(me)` @throws ActyxError `ACTYX-MANIFEST`
 *
 * @example
 * ```ts
 * import { actyxOf, Tags } from 'millpond/actyx'
 * import { testNode } from 'millpond/testing'
 *
 * const node = await testNode()
 * const actyx = actyxOf(node, { appId: 'com.example.stock' })
 * await new Promise<void>((done) => {
 *   actyx.observeLatest({ query: Tags('stock') }, (event, { lamport }) => {
 *     console.log(event, lamport > 0) // received true
 *     done()
 *   })
 *   actyx.publish({ tags: ['stock'], event: 'received' }).catch(console.error)
 * })
 * await node.close()
 * ```
 */
export const actyxOf = (node: Node, manifest: Pick<AppManifest, 'appId'>, clock: Clock = realClock): Actyx => {
  const { appId } = manifest
  if (!isAppId(appId)) throw new ActyxError('ACTYX-MANIFEST', 'a manifest has an appId, a text of at most 256 bytes')
  const runs = createRuns()
  const asker = { ...clock, appId }
  const local = node.local('actyx/snapshots')
  return {
    get nodeId() {
      return node.nodeId
    },
    present: async () => {
      runs.check()
      return { ...(await node.present()) }
    },
    offsets: async () => {
      runs.check()
      const present = await node.present()
      return { present: { ...present }, toReplicate: missingIn(present, node.status()) }
    },
    ...createQueries(node, asker, runs),
    ...createFollowing(node, asker, runs),
    ...createObserving(node, asker, runs),
    ...createAql(node, asker, runs),
    ...createPublishing(node, appId, runs),
    snapshotStore: createSnapshotStore(local),
    dispose: runs.endAll,
    waitForSync: () =>
      new Promise<void>((resolve, reject) => {
        runs.begin((run) => {
          run.onOver(resolve)
          return waitUntilReplicated(node, clock, run.over)
        }, reject)
      }),
    nodeInfo: async () => {
      runs.check()
      return nodeInfoOf(node.status(), clock.nowMicros())
    },
  }
}
