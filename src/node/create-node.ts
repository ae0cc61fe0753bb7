import { HUBS_MAX } from '../protocol/limits.ts'
import type { NodeDevices, NodeOptions } from './devices.ts'
import { openSelf } from './identity.ts'
import type { Node } from './node.ts'
import { createOpenPages } from './open-pages.ts'
import { openPeerBook } from './peer-book.ts'
import { createReserve, withReserve } from './reserve.ts'
import { RunningNode } from './running-node.ts'
import { isSwarmKept, loadSettings, saveHubs, saveName, saveSwarm } from './settings.ts'

/**
 * Opens the node of a database: the assembly of all parts of this folder.
 * All tabs on one disk are one node; the one that leads has the connections.
 * @throws StoreError when the disk cannot be used; NodeError `NODE-UNSUPPORTED` when the browser cannot keep a key, `NAME-INVALID`
 */
export const createNode = async (devices: NodeDevices, options: NodeOptions): Promise<Node> => {
  const { crypto, environment } = devices
  const reserve = createReserve(devices.store.local, environment.randomBytes)
  const store = withReserve(devices.store, reserve)
  const { self, lost } = await openSelf(store, crypto, environment.nowMicros(), options.identity)
  // A full disk can be opened: only what is new is written.
  if (!(await isSwarmKept(store))) await saveSwarm(store, options.swarm)
  if (options.lamport !== undefined) await store.raiseClockTo(options.lamport)
  const stored = await loadSettings(store)
  const settings = { name: options.name ?? stored.name, hubs: [...new Set([...(options.hubs ?? []), ...stored.hubs])].slice(0, HUBS_MAX) }
  if (settings.name !== stored.name) await saveName(store, settings.name)
  if (settings.hubs.join() !== stored.hubs.join()) await saveHubs(store, settings.hubs)
  options.stored?.()
  const pages = createOpenPages(store, environment.randomBytes(16), environment.nowMicros)
  const book = await openPeerBook(store, environment.nowMicros, self.ids)
  const node = new RunningNode({ ...devices, store }, { ...options, ...settings }, { self, lost, pages, book, reserve })
  await node.begin()
  return node
}
