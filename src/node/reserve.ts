import { StoreError } from '../store/errors.ts'
import type { EventStore, LocalBytes } from '../store/event-store.ts'

/** Room that is kept taken on disk while there is enough, so that own events still have some when the disk is full. */
export interface Reserve {
  /** @param twice only where as much again is free, or what was just given would be taken back at once @returns whether it lies there */
  readonly keep: (twice: boolean) => Promise<boolean>
  /** The disk has refused something. Calls under way share one answer. @returns whether there was a reserve to give */
  readonly give: () => Promise<boolean>
  /** Called with every `give`, before it. */
  readonly onGive: (called: () => void) => void
}

/** A few thousand entries. */
export const reserveBytes = 2 * 1024 * 1024
const blockBytes = 64 * 1024

const layer = 'node/reserve'
const [kept, more] = ['kept', 'more']

export const createReserve = (local: LocalBytes, randomBytes: (count: number) => Uint8Array): Reserve => {
  let giving: Promise<boolean> | undefined
  const listeners = new Set<() => void>()
  const isKept = async () => (await local.get(layer, kept)) !== undefined
  const give = async () => {
    for (const called of listeners) called()
    const had = await isKept()
    if (had) await local.delete(layer, [kept, more])
    return had
  }
  return {
    keep: async (twice) => {
      if (await isKept()) return true
      const bytes = blockOf(randomBytes)
      try {
        await local.put(layer, twice ? [[kept, bytes], [more, bytes]] : [[kept, bytes]])
      } catch (error) {
        if (isQuota(error)) return false
        throw error
      }
      if (twice) await local.delete(layer, [more])
      return true
    },
    give: () => (giving ??= give().finally(() => (giving = undefined))),
    onGive: (called) => void listeners.add(called),
  }
}

/** A store whose own writes, refused by a full disk, give the reserve and are tried once more. What others recorded is not. */
export const withReserve = (store: EventStore, { give }: Pick<Reserve, 'give'>): EventStore => {
  const again =
    <A extends readonly unknown[], R>(write: (...parameters: A) => Promise<R>) =>
    async (...parameters: A): Promise<R> => {
      try {
        return await write(...parameters)
      } catch (error) {
        if (!isQuota(error) || !(await give())) throw error
        return write(...parameters)
      }
    }
  const { appendOwn, changeIdentity, lower, fork, raiseClock, raiseClockTo, flush, putMeta, incrementMeta, putAside } = store
  return {
    ...store,
    appendOwn: again(appendOwn), changeIdentity: again(changeIdentity), lower: again(lower), fork: again(fork), raiseClock: again(raiseClock),
    raiseClockTo: again(raiseClockTo), flush: again(flush), putMeta: again(putMeta), incrementMeta: again(incrementMeta), putAside: again(putAside),
  }
}

const isQuota = (error: unknown): boolean => error instanceof StoreError && error.code === 'STORE-QUOTA'

/** Browsers compress what they store, block by block: chance alone takes the room that it says. */
const blockOf = (randomBytes: (count: number) => Uint8Array): Uint8Array => {
  const [bytes, block] = [new Uint8Array(reserveBytes), randomBytes(blockBytes)]
  for (let at = 0; at < bytes.length; at += block.length) bytes.set(block, at)
  return bytes
}
