import type { TaggedEvent } from '../../index.ts'
import type { Key, Values } from '../i18n/words.svelte.ts'

/** What a person recorded on this page. It is saved when the node said it is durable, and not before. */
export interface Entry {
  readonly id: number
  readonly events: readonly TaggedEvent[]
  /** What it says, in words. */
  readonly key: Key
  readonly values: Values
  readonly atMicros: number
  readonly state: 'saving' | 'saved' | 'failed'
  /** Why it was not saved. */
  readonly code: string
}
