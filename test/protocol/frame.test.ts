import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { equalBytes } from '../../src/core/bytes.ts'
import { addFrame, cutFrames, noPartial, type PartialMessage } from '../../src/protocol/frame.ts'
import { FORK_BYTES_MAX, FRAME_BYTES_MAX } from '../../src/protocol/limits.ts'
import { bytes } from './messages.ts'

const join = (frames: readonly Uint8Array[]): readonly Uint8Array[] => {
  const messages: Uint8Array[] = []
  let partial: PartialMessage = noPartial
  for (const frame of frames) {
    const added = addFrame(partial, frame)
    if (!added.ok) throw new Error(added.error)
    partial = added.value.partial
    if (added.value.message !== undefined) messages.push(added.value.message)
  }
  return messages
}

const sameMessages = (a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean =>
  a.length === b.length && a.every((message, at) => equalBytes(message, b[at] ?? new Uint8Array(0)))

describe('frames', () => {
  test.each([0, 1, 65_533, 65_534, 65_535, 131_068, 131_069, 262_144, FORK_BYTES_MAX])('[R1] a message of %i bytes comes out as it went in', (length) => {
    const message = bytes(length)
    const frames = cutFrames(message)
    expect(frames.length).toBe(Math.max(1, Math.ceil(length / (FRAME_BYTES_MAX - 1))))
    expect(frames.slice(0, -1).every((frame) => frame.length === FRAME_BYTES_MAX && frame[0] === 1)).toBe(true)
    expect(frames.at(-1)?.[0]).toBe(0)
    expect(sameMessages(join(frames), [message])).toBe(true)
  })

  test('[R1] messages in a row stay apart', () => {
    fc.assert(fc.property(fc.array(fc.nat(200_000), { maxLength: 4 }), (lengths) => {
      const messages = lengths.map((length, at) => bytes(length, at))
      expect(sameMessages(join(messages.flatMap((message) => cutFrames(message))), messages)).toBe(true)
    }), { numRuns: 30 })
  })

  const full = (first: number) => { const frame = new Uint8Array(FRAME_BYTES_MAX); frame[0] = first; return frame }
  const faults: readonly (readonly [string, Uint8Array])[] = [
    ['frame-empty', new Uint8Array(0)],
    ['frame-too-large', new Uint8Array(FRAME_BYTES_MAX + 1)],
    ['frame-unknown', Uint8Array.of(2, 1)],
    ['frame-short', full(1).subarray(0, FRAME_BYTES_MAX - 1)],
    ['frame-short', Uint8Array.of(1)],
  ]
  test.each(faults)('[R2] %s', (error, frame) => expect(addFrame(noPartial, frame)).toEqual({ ok: false, error }))

  test('[R2] a message above 512 KiB is refused with the frame that makes it so', () => {
    const frames = cutFrames(bytes(FORK_BYTES_MAX + 1))
    let partial: PartialMessage = noPartial
    for (const frame of frames.slice(0, -1)) {
      const added = addFrame(partial, frame)
      if (!added.ok) throw new Error(added.error)
      partial = added.value.partial
    }
    expect(addFrame(partial, frames.at(-1) ?? new Uint8Array(0))).toEqual({ ok: false, error: 'message-too-large' })
  })
})
