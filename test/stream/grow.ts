import { concatBytes } from '../../src/core/bytes.ts'
import type { StreamBase, StreamPieces } from '../../src/stream/segment.ts'

/** What a store would hold after these pieces. */
export const grow = (base: StreamBase, { closed, tail }: StreamPieces): StreamBase => {
  const last = closed.at(-1)
  const open = last === undefined ? base.open : { first: last.first + last.events, previous: last.headerId, lamportBefore: last.lastLamport, body: new Uint8Array(0), sealed: undefined }
  const head = last === undefined ? base.head : { next: open.first, lamport: open.lamportBefore, headerId: open.previous }
  const revision = base.revision + closed.length
  if (tail === undefined) return { ...base, revision, head, open }
  return {
    ...base,
    revision,
    head: { next: tail.first + tail.events, lamport: tail.lastLamport, headerId: tail.headerId },
    open: { ...open, body: concatBytes([open.body, tail.lines]), sealed: tail.sealed },
  }
}
