import { bytesToHex, equalBytes, hexToBytes } from '../core/bytes.ts'
import type { SwarmId } from '../core/ids.ts'

/** HMAC-SHA-256 over an introduction id, under the swarm's key with label `intro`: only a member can make it. Its first 8 bytes are the tag. */
export type TagOf = (introductionId: Uint8Array) => Promise<Uint8Array>

const TAG_BYTES = 8
const HUB_ID = /^([0-9a-f]{32})-([0-9a-f]{32})-([0-9a-f]{16})$/

/** Under which a page registers at a hub: `<swarm id>-<introduction id, 32 hex>-<tag, 16 hex>`. */
export const hubIdOf = async (swarm: SwarmId, introductionId: Uint8Array, tagOf: TagOf): Promise<string> =>
  `${swarm}-${bytesToHex(introductionId)}-${bytesToHex((await tagOf(introductionId)).subarray(0, TAG_BYTES))}`

/** A hub takes another registration of an id only with the token of the first one: what of the HMAC stands in no id. The same whenever this page registers. */
export const hubTokenOf = async (introductionId: Uint8Array, tagOf: TagOf): Promise<string> => bytesToHex((await tagOf(introductionId)).subarray(TAG_BYTES, 3 * TAG_BYTES))

/** The introduction id, 32 hex digits, in a hub id of this swarm; its tag is not looked at. */
export const introductionOf = (hubId: string, swarm: SwarmId): string | undefined => {
  const [, itsSwarm, introduction] = HUB_ID.exec(hubId) ?? []
  return itsSwarm === swarm ? introduction : undefined
}

/** Whether the tag in a hub id is that of its introduction id. @see [N3] */
export const hasRightTag = async (hubId: string, tagOf: TagOf): Promise<boolean> => {
  const [, , introduction, tag] = HUB_ID.exec(hubId) ?? []
  const [introductionId, itsTag] = [hexToBytes(introduction ?? '-'), hexToBytes(tag ?? '-')]
  if (introductionId === undefined || itsTag === undefined) return false
  return equalBytes((await tagOf(introductionId)).subarray(0, TAG_BYTES), itsTag)
}
