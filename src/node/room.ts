import type { StorageDevice } from './devices.ts'
import type { Environment } from './environment.ts'
import { isNearlyFull, type StorageStatus } from './node.ts'

/** Whether what others record is still taken: the last tenth of the quota is kept for own events. Never waits for the browser. @see STORAGE.md, Space; PROTOCOL.md [R38] */
export interface Room {
  /** By the newest estimate and what was stored since; where the browser does not say, there is room. */
  readonly hasRoom: () => boolean
  /** So many bytes of others were stored. */
  readonly stored: (bytes: number) => void
  /** Asks the device from now on. */
  readonly begin: () => void
  readonly close: () => void
}

export interface RoomParts {
  readonly device: StorageDevice
  readonly environment: Pick<Environment, 'after'>
  readonly storage: () => StorageStatus
  readonly set: (storage: StorageStatus) => void
  /** Takes care of the errors of what nobody awaits. */
  readonly supervise: (doing: string, work: Promise<unknown>) => void
}

const estimateEveryMs = 10_000
/** After so much was stored the browser is asked before its time. */
const estimateEveryBytes = 4 * 1024 * 1024

/** Keeps the storage part of the status: asks the device at intervals and as bytes are stored. */
export const createRoom = ({ device, environment, storage, set, supervise }: RoomParts): Room => {
  let sinceBytes = 0
  let cancel = () => {}
  const ask = async () => {
    sinceBytes = 0
    const { usedBytes, quotaBytes } = await device.estimate()
    set({ ...storage(), usedBytes, quotaBytes })
  }
  const estimate = () => {
    cancel()
    cancel = environment.after(estimateEveryMs, estimate)
    supervise('asking for the space used', ask())
  }
  return {
    begin: () => {
      estimate()
      // Never awaited: some browsers ask a person first.
      supervise('asking for persistent storage', device.persist().then((persistent) => set({ ...storage(), persistent })))
    },
    hasRoom: () => !isNearlyFull(storage()),
    stored: (bytes) => {
      const { usedBytes } = storage()
      if (usedBytes === undefined) return
      set({ ...storage(), usedBytes: usedBytes + bytes })
      sinceBytes += bytes
      if (sinceBytes >= estimateEveryBytes || isNearlyFull(storage())) estimate()
    },
    close: () => cancel(),
  }
}
