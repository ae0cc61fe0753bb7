import { parse, stringify } from 'devalue'
import type { Fish } from './fish.ts'
import type { Kept } from './freeze.ts'

/** State to text and back. */
export interface StateText<S> {
  /** @throws Error with the place of what cannot be said */
  readonly write: (state: S, kept: Kept) => string
  /** @throws whatever the fish's `deserializeState` does */
  readonly read: (text: string) => S
}

/** JSON is many times as fast, so what it can say is said by it. A space in front tells the two apart. */
const jsonMark = ' '

/** A fish that makes its states itself gets JSON; what else is plain data, `Map`, `Set`, `Date` and the like come back as they were. */
export const stateTextOf = <S, E>({ deserializeState }: Fish<S, E>): StateText<S> => {
  if (deserializeState === undefined) {
    return {
      write: (state, kept) => (kept === 'json' ? jsonMark + JSON.stringify(state) : stringify(state)),
      read: (text): S => (text.startsWith(jsonMark) ? JSON.parse(text) : parse(text)),
    }
  }
  return { write: (state) => JSON.stringify(state) ?? 'null', read: (text) => deserializeState(JSON.parse(text)) }
}
