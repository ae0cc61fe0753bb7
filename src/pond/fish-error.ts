import type { Meta } from '../core/event.ts'
import { fishIdToText, type FishId } from './fish.ts'

/**
 * `FISH-THREW` its `onEvent` or `isReset` threw · `FISH-PROMISE` it gave a promise: folds are done at once · `FISH-CHANGES` it changed the state or the event that it was given ·
 * `FISH-STATE` its state holds what cannot be kept, at the place named · `FISH-GROWS` its state as text is beyond the limit ·
 * `FISH-TWICE` another recipe runs under the same id · `FISH-STOPPED` it stopped by an error, or the pond was disposed, before that was done · `FISH-READ` its events cannot be read.
 */
export type FishErrorCode = 'FISH-THREW' | 'FISH-PROMISE' | 'FISH-CHANGES' | 'FISH-STATE' | 'FISH-GROWS' | 'FISH-TWICE' | 'FISH-STOPPED' | 'FISH-READ'

/** Why a fish stopped. Observing it again starts it anew. */
export class FishError extends Error {
  override readonly name = 'FishError'
  readonly code: FishErrorCode
  readonly fishId: FishId
  /** The event that did it, where it was one. */
  readonly event: Meta | undefined
  constructor(code: FishErrorCode, message: string, { fishId, event, cause }: { readonly fishId: FishId; readonly event?: Meta; readonly cause?: unknown }) {
    super(`${code}: fish ${fishIdToText(fishId)}${event === undefined ? '' : ` at event ${event.eventId}`}: ${message}`, cause === undefined ? undefined : { cause })
    this.code = code
    this.fishId = fishId
    this.event = event
  }
}
