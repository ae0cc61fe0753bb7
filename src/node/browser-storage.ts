import type { StorageDevice } from './devices.ts'

/** The storage of this origin, as the browser sees it. */
export const browserStorage: StorageDevice = {
  estimate: async () => {
    const { usage, quota } = await navigator.storage.estimate()
    return { usedBytes: usage, quotaBytes: quota }
  },
  persisted: () => navigator.storage.persisted(),
  persist: () => navigator.storage.persist(),
}
