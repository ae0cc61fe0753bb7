import type { Timers } from '../../src/net/timers.ts'

/** The platform's own time, for tests of real devices. */
export const realTimers: Timers = {
  nowMicros: () => Math.round((performance.timeOrigin + performance.now()) * 1000),
  after: (delayMs, call) => {
    const timer = setTimeout(call, delayMs)
    return () => clearTimeout(timer)
  },
}

/** Time that passes `factor` times as fast. */
export const fasterTimers = (factor: number): Timers => ({
  nowMicros: realTimers.nowMicros,
  after: (delayMs, call) => realTimers.after(delayMs / factor, call),
})
