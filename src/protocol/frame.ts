import { concatBytes } from '../core/bytes.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { FORK_BYTES_MAX, FRAME_BYTES_MAX } from './limits.ts'

const LAST = 0
const MORE = 1

/**
 * Cuts a message into frames: one byte, 1 (*more*) or 0 (*last*), then data. All but the last are full.
 * At least one frame, also for an empty message.
 * @see PROTOCOL.md [R1]
 */
export const cutFrames = (message: Uint8Array): readonly Uint8Array<ArrayBuffer>[] => {
  const dataBytes = FRAME_BYTES_MAX - 1
  const count = Math.max(1, Math.ceil(message.length / dataBytes))
  return Array.from({ length: count }, (_, index) => {
    const data = message.subarray(index * dataBytes, (index + 1) * dataBytes)
    const frame = new Uint8Array(data.length + 1)
    frame[0] = index === count - 1 ? LAST : MORE
    frame.set(data, 1)
    return frame
  })
}

/** Frames of a message that is not yet whole. */
export interface PartialMessage {
  readonly parts: readonly Uint8Array[]
  readonly bytes: number
}

export const noPartial: PartialMessage = { parts: [], bytes: 0 }

/** Why a frame ends the connection. */
export type FrameError = 'frame-empty' | 'frame-too-large' | 'frame-unknown' | 'frame-short' | 'message-too-large'

/**
 * Adds one frame. `message` is the whole message when this frame was its last, else `undefined`; the frame's bytes are not copied until then.
 * @see PROTOCOL.md [R1] [R2]
 */
export const addFrame = (
  partial: PartialMessage,
  frame: Uint8Array,
): Result<{ readonly partial: PartialMessage; readonly message: Uint8Array | undefined }, FrameError> => {
  if (frame.length === 0) return fail('frame-empty')
  if (frame.length > FRAME_BYTES_MAX) return fail('frame-too-large')
  if (frame[0] !== LAST && frame[0] !== MORE) return fail('frame-unknown')
  if (frame[0] === MORE && frame.length < FRAME_BYTES_MAX) return fail('frame-short')
  const bytes = partial.bytes + frame.length - 1
  if (bytes > FORK_BYTES_MAX) return fail('message-too-large')
  const parts = [...partial.parts, frame.subarray(1)]
  return frame[0] === MORE ? ok({ partial: { parts, bytes }, message: undefined }) : ok({ partial: noPartial, message: concatBytes(parts) })
}
