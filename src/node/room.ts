import type { StorageDevice } from './devices.ts'
import type { Environment } from './environment.ts'
import { isNearlyFull, type StorageStatus } from './node.ts'
import { reserveBytes, type Reserve } from './reserve.ts'

/**
 * Whether what others record is still taken: the last tenth of the quota is kept for own events. Never waits for the browser.
 * Chromium does not tell the quota but always 10 GiB more than is used, so there is also a reserve on disk: when a write is refused it is given,
 * and what others record is not taken until it can be kept again. @see STORAGE.md, Space; PROTOCOL.md [R38]
 */
export interface Room {
  /** By the newest estimate and what was stored since; where the browser does not say, there is room until a write is refused. */
  readonly hasRoom: () => boolean
  /** So many bytes of others were stored. */
  readonly stored: (bytes: number) => void
  /** The disk was full. @returns whether room was made for own events */
  readonly refused: () => Promise<boolean>
  /** Asks that nothing be evicted. */
  readonly persist: () => Promise<boolean>
  /** Asks the device from now on, and keeps the reserve. */
  readonly begin: () => void
  readonly close: () => void
}

export interface RoomParts {
  readonly device: StorageDevice
  readonly reserve: Reserve
  readonly environment: Pick<Environment, 'after'>
  /** Waits while the page is frozen. */
  readonly awake: () => Promise<void>
  readonly storage: () => StorageStatus
  readonly set: (storage: StorageStatus) => void
  /** A disk that was full has room again. */
  readonly regained: () => void
  /** Takes care of the errors of what nobody awaits. */
  readonly supervise: (doing: string, work: Promise<unknown>) => void
}

const estimateEveryMs = 10_000
/** After so much was stored the browser is asked before its time. */
const estimateEveryBytes = 4 * 1024 * 1024
const keepEveryMs = 30_000

/** Keeps the storage part of the status. */
export const createRoom = ({ device, reserve, environment, awake, storage, set, regained, supervise }: RoomParts): Room => {
  let sinceBytes = 0
  /** The disk refused something, and the reserve is not there again. */
  let isFull = false
  let closed = false
  let cancelEstimate = () => {}
  let cancelKeep = () => {}
  const show = (change: Partial<StorageStatus>) => {
    const next = { ...storage(), ...change }
    set(isFull ? { ...next, quotaBytes: quotaWhenFull(next) } : next)
  }
  const ask = async () => {
    sinceBytes = 0
    const { usedBytes, quotaBytes } = await device.estimate()
    show({ usedBytes, quotaBytes })
  }
  const estimate = () => {
    if (closed) return
    cancelEstimate()
    cancelEstimate = environment.after(estimateEveryMs, estimate)
    supervise('asking for the space used', ask())
  }
  const keep = async () => {
    // Also after an error.
    keepLater()
    await awake()
    const wasFull = isFull
    isFull = !(await reserve.keep(wasFull))
    if (!isFull) cancelKeep()
    if (wasFull && !isFull) regained()
    estimate()
  }
  const keepLater = () => {
    if (closed) return
    cancelKeep()
    cancelKeep = environment.after(keepEveryMs, () => supervise('keeping room for own entries', keep()))
  }
  reserve.onGive(() => {
    isFull = true
    show({})
    keepLater()
  })
  return {
    begin: () => {
      estimate()
      supervise('keeping room for own entries', keep())
      supervise('looking whether the storage is persistent', device.persisted().then((persistent) => show({ persistent })))
    },
    persist: async () => {
      const persistent = await device.persist()
      show({ persistent })
      return persistent
    },
    hasRoom: () => !isFull && !isNearlyFull(storage()),
    stored: (bytes) => {
      const { usedBytes } = storage()
      if (usedBytes === undefined) return
      show({ usedBytes: usedBytes + bytes })
      sinceBytes += bytes
      if (sinceBytes >= estimateEveryBytes || isNearlyFull(storage())) estimate()
    },
    refused: reserve.give,
    close: () => {
      closed = true
      cancelEstimate()
      cancelKeep()
    },
  }
}

/** What is left is at most the reserve, whatever the browser says. */
const quotaWhenFull = ({ usedBytes, quotaBytes }: StorageStatus): number | undefined =>
  usedBytes === undefined ? quotaBytes : Math.min(quotaBytes ?? Infinity, usedBytes + Math.min(usedBytes / 10, reserveBytes))
