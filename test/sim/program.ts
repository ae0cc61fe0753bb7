import { vi } from 'vitest'
import { NetError } from '../../src/net/transport.ts'
import { connectParts } from '../../src/node/connect.ts'
import { createNode } from '../../src/node/create-node.ts'
import { openReopeningStore } from '../../src/node/reopening-store.ts'
import { presentParts } from '../node/present-parts.ts'
import { createMemoryDisk } from '../../src/store/memory-event-store.ts'
import { createEventStore } from '../../src/store/tables-event-store.ts'

/** The program as a tablet runs it. Disks belong to the program that made them: errors are told apart by their class. */
export interface Program {
  readonly createNode: typeof createNode
  readonly openReopeningStore: typeof openReopeningStore
  readonly createMemoryDisk: typeof createMemoryDisk
  readonly createEventStore: typeof createEventStore
  readonly NetError: typeof NetError
  readonly connectParts: typeof connectParts
  readonly presentParts: typeof presentParts
}

export const present: Program = { createNode, openReopeningStore, createMemoryDisk, createEventStore, NetError, connectParts, presentParts }

/** Another program: all modules of the present one anew, but for what `change` makes of the exports of the module at `path`. */
const anotherProgram = async <M>(path: string, change: (original: M) => Partial<M>): Promise<Program> => {
  vi.resetModules()
  vi.doMock(path, async (importOriginal) => {
    const original = await importOriginal<M>()
    return { ...original, ...change(original) }
  })
  try {
    const [node, reopening, disk, store, net, connect, later] = [
      await import('../../src/node/create-node.ts'),
      await import('../../src/node/reopening-store.ts'),
      await import('../../src/store/memory-event-store.ts'),
      await import('../../src/store/tables-event-store.ts'),
      await import('../../src/net/transport.ts'),
      await import('../../src/node/connect.ts'),
      await import('../node/present-parts.ts'),
    ]
    return { createNode: node.createNode, openReopeningStore: reopening.openReopeningStore, createMemoryDisk: disk.createMemoryDisk, createEventStore: store.createEventStore, NetError: net.NetError, connectParts: connect.connectParts, presentParts: later.presentParts }
  } finally {
    vi.doUnmock(path)
    vi.resetModules()
  }
}

/** The same, made when it is first asked for. */
export const otherProgram = <M>(path: string, change: (original: M) => Partial<M>): (() => Promise<Program>) => {
  let made: Promise<Program> | undefined
  return () => (made ??= anotherProgram(path, change))
}
