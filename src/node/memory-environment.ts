import type { Environment, HeldLock, Locks, TabChannel } from './environment.ts'

/** The environment of a node that lives in memory: real time, one page that nobody hides, no other tabs. */
export const createMemoryEnvironment = (): Environment => ({
  nowMicros: () => Math.round((performance.timeOrigin + performance.now()) * 1000),
  monotonicMs: () => performance.now(),
  after: (delayMs, call) => {
    const timer = setTimeout(call, delayMs)
    return () => clearTimeout(timer)
  },
  randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  locks: createLocks(),
  channel: () => alone,
  page: { state: () => 'visible', listen: () => () => undefined, online: () => true },
})

const alone: TabChannel = { post: () => undefined, listen: () => () => undefined, close: () => undefined }

interface Hold {
  readonly granted: () => void
  readonly lost: () => void
}

/** One holder for each name; others wait in line. */
const createLocks = (): Locks => {
  const lines = new Map<string, Hold[]>()
  const leave = (line: Hold[], hold: Hold) => {
    const at = line.indexOf(hold)
    if (at >= 0) line.splice(at, 1)
    if (at === 0) line[0]?.granted()
  }
  return {
    hold: (name, { steal = false, signal, lost }) =>
      new Promise<HeldLock>((resolve, reject) => {
        const line = lines.get(name) ?? []
        lines.set(name, line)
        const hold: Hold = { granted: () => resolve({ release: () => leave(line, hold) }), lost }
        if (steal) line.shift()?.lost()
        line[steal ? 'unshift' : 'push'](hold)
        if (line[0] === hold) hold.granted()
        signal?.addEventListener('abort', () => {
          if (line[0] === hold || !line.includes(hold)) return
          leave(line, hold)
          reject(new DOMException('given up', 'AbortError'))
        })
      }),
  }
}
