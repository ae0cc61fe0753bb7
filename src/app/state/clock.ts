import { Live } from '../../svelte/live.ts'

/** Wall time in microseconds as a reactive value, renewed at that interval while it is shown. */
export const liveClock = (everyMs: number): Live<number> =>
  new Live(
    () => Date.now() * 1000,
    (changed) => {
      const timer = setInterval(changed, everyMs)
      return () => clearInterval(timer)
    },
  )
