import type { Environment, HeldLock } from '../node/environment.ts'
import { createAwake } from './awake.ts'

/** Who waits this long for another tab takes the lock from it. */
export const stealAfterMs = 2_000

/** The right of one tab of a profile to append to the own stream. */
export interface AppendLock {
  /** Runs `work` while this tab has the lock; calls run one after the other. Losing the lock meanwhile ends nothing: every append is a compare-and-set. */
  readonly run: <T>(work: () => Promise<T>) => Promise<T>
  /** Gives the lock back after the work under way. Safe to call twice. */
  readonly close: () => Promise<void>
}

/**
 * One Web Lock that is kept until another tab asks for it, because taking it costs as much as an append.
 *
 * Who wants it asks on the channel; the holder gives it back after the work under way, and a waiting tab remembers an ask for when its turn comes.
 * A tab that does not answer (stuck, or a browser's quirk) has it stolen after 2 s, counted anew from every steal, so that a lock just taken is not taken again.
 * It is given back in `pagehide` and `freeze`, and not asked for until the page is back. See STORAGE.md, *Tabs*.
 */
export const createAppendLock = (environment: Environment, name: string): AppendLock => {
  const channel = environment.channel(name)
  let lock: HeldLock | undefined
  let working = false
  let asked = false
  let wanted = false
  let wait = notWaiting
  let queue: Promise<unknown> = Promise.resolve()
  const awake = createAwake(environment)

  const release = () => {
    lock?.release()
    lock = undefined
    asked = false
  }
  const stopHearing = channel.listen((message) => {
    if (message === 'stolen') wait.restart()
    if (message !== 'ask') return
    if (lock !== undefined && !working) release()
    else if (lock !== undefined || wanted) asked = true
  })
  const stopWatching = environment.page.listen((change) => {
    if (change !== 'freeze' && change !== 'leave') return
    release()
    // A turn that came while it sleeps would keep all others waiting.
    wait.giveUp()
  })

  const take = async () => {
    wanted = true
    asked = false
    const taken = await waitForLock(environment, channel, name, {
      began: (control) => (wait = control),
      lost: (stolen) => {
        if (lock === stolen) lock = undefined
      },
    })
    wait = notWaiting
    wanted = false
    // The page may have gone to sleep between the grant and here.
    if (environment.page.state() === 'frozen') taken?.release()
    else lock = taken
  }
  const runNow = async <T>(work: () => Promise<T>): Promise<T> => {
    for (await awake.wait(); lock === undefined; await awake.wait()) await take()
    working = true
    try {
      return await work()
    } finally {
      working = false
      if (asked) release()
    }
  }
  return {
    run: (work) => {
      const run = queue.then(() => runNow(work))
      // The caller gets the error; the queue goes on.
      queue = run.then(
        () => undefined,
        () => undefined,
      )
      return run
    },
    close: async () => {
      await queue
      release()
      stopHearing()
      stopWatching()
      awake.close()
      channel.close()
    },
  }
}

interface WaitControl {
  /** The time until it steals runs anew. */
  readonly restart: () => void
  /** It waits no more and gets nothing. */
  readonly giveUp: () => void
}
const notWaiting: WaitControl = { restart: () => {}, giveUp: () => {} }

interface Waiting {
  readonly began: (control: WaitControl) => void
  readonly lost: (lock: HeldLock | undefined) => void
}

/** Asks for the lock and waits for it; takes it by force when the wait was in vain. `undefined`: given up. */
const waitForLock = async (
  environment: Environment,
  channel: { readonly post: (message: unknown) => void },
  name: string,
  waiting: Waiting,
): Promise<HeldLock | undefined> => {
  const end = new AbortController()
  let isGivenUp = false
  let cancel = () => {}
  const restart = () => {
    cancel()
    cancel = environment.after(stealAfterMs, () => end.abort())
  }
  waiting.began({
    restart,
    giveUp: () => {
      isGivenUp = true
      end.abort()
    },
  })
  restart()
  let held: HeldLock | undefined
  const lost = () => waiting.lost(held)
  try {
    const granted = environment.locks.hold(name, { signal: end.signal, lost })
    channel.post('ask')
    held = await granted
  } catch (error) {
    if (!end.signal.aborted) throw error
    if (isGivenUp) return undefined
    held = await environment.locks.hold(name, { steal: true, lost })
    channel.post('stolen')
  } finally {
    cancel()
  }
  return held
}
