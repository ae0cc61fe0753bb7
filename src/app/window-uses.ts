/** How a window is used: a person touched it lately; something in it is not finished. */
export type WindowUse = 'touched' | 'unfinished'

/** What the windows of this profile are used for. Told by locks, which the browser gives back when a window dies and a frozen one keeps. */
export interface WindowUses {
  /** Says it of this window, until it says otherwise or ends. */
  readonly set: (use: WindowUse, on: boolean) => void
  /** Whether another window is used so. */
  readonly elsewhere: (use: WindowUse) => Promise<boolean>
  /** Calls if no window is used at all, and keeps it so until `call` ends. */
  readonly whenUnused: (call: () => Promise<void>) => Promise<void>
}

const nameOf = (use: WindowUse): string => `millpond/window/${use}`

export const createWindowUses = (locks: LockManager): WindowUses => {
  const held = new Map<WindowUse, () => void>()
  const set = (use: WindowUse, on: boolean): void => {
    if (on === held.has(use)) return
    held.get(use)?.()
    held.delete(use)
    if (!on) return
    const ended = new Promise<void>((end) => held.set(use, end))
    locks.request(nameOf(use), { mode: 'shared' }, () => ended).catch(reportError)
  }
  const ifFree = async (use: WindowUse, call: () => Promise<void>): Promise<void> => {
    await locks.request(nameOf(use), { ifAvailable: true }, (lock) => (lock === null ? undefined : call()))
  }
  return {
    set,
    elsewhere: async (use) => {
      const holders = (await locks.query()).held?.filter(({ name }) => name === nameOf(use)) ?? []
      return holders.length > (held.has(use) ? 1 : 0)
    },
    whenUnused: (call) => ifFree('touched', () => ifFree('unfinished', call)),
  }
}
