import type { Lamport } from '../core/ids.ts'
import type { EventStore, Identity } from '../store/event-store.ts'
import type { NetworkSource } from './connections.ts'
import type { NodeCrypto, Swarm } from './crypto.ts'
import type { LaterParts } from './later.ts'
import type { Marks } from './marks.ts'
import type { Environment } from './environment.ts'

/** What a node runs on. */
export interface NodeDevices {
  /** Of this tab alone; closed with the node. */
  readonly store: EventStore
  readonly crypto: NodeCrypto
  readonly environment: Environment
  /** Absent: a node that meets nobody. */
  readonly network?: NetworkSource
  /** Default: each is loaded with its first use. */
  readonly parts?: LaterParts
  readonly storage?: StorageDevice
  /** Absent: that the database was cleared or set back is not noticed by itself. */
  readonly marks?: Marks
}

/** What the browser says of the disk. */
export interface StorageDevice {
  readonly estimate: () => Promise<{ readonly usedBytes: number | undefined; readonly quotaBytes: number | undefined }>
  /** Whether nothing will be evicted. */
  readonly persisted: () => Promise<boolean>
  /** Asks for that; some browsers ask the person. @returns whether it is granted */
  readonly persist: () => Promise<boolean>
}

export interface NodeOptions {
  readonly swarm: Swarm
  /** Display name, at most 256 bytes; default: the one stored. */
  readonly name?: string
  /** Of events that are published without one. Default: `''`. */
  readonly appId?: string
  /** URLs of hubs, added to those stored. */
  readonly hubs?: readonly string[]
  /** The inviter's Lamport time: a new node's clock starts there. */
  readonly lamport?: Lamport
  /** What a new swarm was founded with; used only by a database that has no identity yet. */
  readonly identity?: Identity
  /** What keeps locks and channels of this database apart from others of the origin. Default: by swarm. */
  readonly scope?: string
  /** Name and version of the program, told to others. */
  readonly software?: string
  /** Called once the node can be opened again from its database alone. */
  readonly stored?: () => void
}
