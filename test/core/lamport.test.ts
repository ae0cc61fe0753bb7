import fc from 'fast-check'
import { expect, test } from 'vitest'
import { advanceClock, CLOCK_HOUR_MAX, CLOCK_STEP_MAX, clockAt } from '../../src/core/lamport.ts'

const HOUR_MS = 3_600_000

test('[G5] an event moves the clock up to 10^8 above it, no further', () => {
  expect(advanceClock(clockAt(5, 0), [5 + CLOCK_STEP_MAX], 0)).toMatchObject({ clock: { lamport: 5 + CLOCK_STEP_MAX }, beyond: undefined })
  expect(advanceClock(clockAt(5, 0), [6 + CLOCK_STEP_MAX], 0)).toMatchObject({ clock: { lamport: 5 }, beyond: 6 + CLOCK_STEP_MAX })
  expect(advanceClock(clockAt(5, 0), [1, 2, 5], 0)).toEqual({ clock: clockAt(5, 0), beyond: undefined })
})

test('[G5] events in reach move it though others lie beyond', () => {
  expect(advanceClock(clockAt(0, 0), [7, 2 * CLOCK_STEP_MAX, 3 * CLOCK_STEP_MAX], 0)).toMatchObject({ clock: { lamport: 7 }, beyond: 2 * CLOCK_STEP_MAX })
})

test('[G5] replicated events together move it by 10^9 in an hour', () => {
  const steps = Array.from({ length: 12 }, (_, at) => (at + 1) * CLOCK_STEP_MAX)
  const { clock, beyond } = advanceClock(clockAt(0, 0), steps, 0)
  expect([clock.lamport, beyond]).toEqual([CLOCK_HOUR_MAX, CLOCK_HOUR_MAX + CLOCK_STEP_MAX])
  expect(advanceClock(clock, [CLOCK_HOUR_MAX + 1], HOUR_MS - 1)).toMatchObject({ clock: { lamport: CLOCK_HOUR_MAX }, beyond: CLOCK_HOUR_MAX + 1 })
  expect(advanceClock(clock, [CLOCK_HOUR_MAX + 1], HOUR_MS)).toMatchObject({ clock: { lamport: CLOCK_HOUR_MAX + 1, added: 1 }, beyond: undefined })
})

test('[G5] the clock never falls, and no faster than its bounds', () => {
  fc.assert(
    fc.property(fc.nat(), fc.array(fc.tuple(fc.array(fc.nat({ max: 4e9 })), fc.nat({ max: HOUR_MS }))), (start, inputs) => {
      let [clock, nowMs] = [clockAt(start, 0), 0]
      for (const [lamports, afterMs] of inputs) {
        nowMs += afterMs
        const next = advanceClock(Object.freeze(clock), lamports, nowMs).clock
        expect(next.lamport).toBeGreaterThanOrEqual(clock.lamport)
        expect(next.added).toBeLessThanOrEqual(CLOCK_HOUR_MAX)
        clock = next
      }
      expect(clock.lamport - start).toBeLessThanOrEqual(CLOCK_HOUR_MAX * (1 + Math.floor(nowMs / HOUR_MS)))
    }),
  )
})
