import { equalBytes } from '../core/bytes.ts'
import { StoreError } from '../store/errors.ts'
import type { EventStore, Identity, OpenSegment } from '../store/event-store.ts'
import { readBody } from '../stream/body.ts'
import { decodeHeader } from '../stream/header.ts'
import type { StreamCrypto } from '../stream/crypto.ts'
import type { IdentityLoss, Self } from './identity.ts'
import type { Mark } from './marks.ts'

/** Whether the own stream can be written on: its record is there, and what its open segment holds is what was sealed. */
export const checkOwnStream = async (store: EventStore, crypto: StreamCrypto, self: Self): Promise<IdentityLoss | undefined> => {
  try {
    const state = await store.state(self.stream())
    if (state === undefined || state.revision === 0) return 'incomplete'
    return state.hole !== true && (await isWhole(state.open, crypto, self.stored().identity)) ? undefined : 'damaged'
  } catch (error) {
    if (error instanceof StoreError && error.code === 'STORE-UNREADABLE') return 'damaged'
    throw error
  }
}

/** Whether the own stream is shorter than this mark of it says. */
export const isSetBack = async (store: Pick<EventStore, 'state'>, self: Self, { nodeId, next }: Pick<Mark, 'nodeId' | 'next'>): Promise<boolean> =>
  nodeId === self.nodeId() && next > ((await store.state(self.stream()))?.head.next ?? 0)

const isWhole = async ({ body, sealed, first, lamportBefore, previous }: OpenSegment, crypto: StreamCrypto, { publicKey }: Identity): Promise<boolean> => {
  if (sealed === undefined) return body.length === 0
  const header = decodeHeader(sealed.header)
  const lines = readBody(body, lamportBefore)
  if (!header.ok || !lines.ok) return false
  const { value } = header
  return (
    value.first === first && value.events === lines.value.events && equalBytes(value.previous, previous) &&
    equalBytes(value.bodyHash, await crypto.sha256(body)) && crypto.verify(publicKey, sealed.seal, sealed.header)
  )
}
