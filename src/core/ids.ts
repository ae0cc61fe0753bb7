import { base64UrlToBytes, bytesToBase64Url } from './bytes.ts'

declare const brand: unique symbol
/** A string that only the parse or make function of its name gives. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** A node's Ed25519 public key: 43 characters of canonical base64url. */
export type NodeId = Brand<string, 'NodeId'>
/** `<nodeId>-<n>`, or `<nodeId>-<n>~<branch>` with 22 characters of base64url for each branch. */
export type StreamId = Brand<string, 'StreamId'>
/** 16 bytes as 32 lower-case hexadecimal digits. Safe to show. */
export type SwarmId = Brand<string, 'SwarmId'>
/** `<lamport, 16 digits>/<streamId>`: compared as strings, event ids sort as events do. */
export type EventId = Brand<string, 'EventId'>

/** Place of an event in its stream: 0-based, without gaps, up to 2^53 - 1. */
export type Offset = number
/** Logical time, below 2^52. */
export type Lamport = number

/** Highest stream number of a node. Number 0 holds application events; the others wait for routing rules. */
export const STREAM_NUMBER_MAX = 255

// The last of 43 characters carries four bits: the other two are 0 in canonical text.
const NODE_ID = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/
const STREAM_ID = /^([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])-(0|[1-9][0-9]{0,9})((?:~[A-Za-z0-9_-]{22})*)$/
const SWARM_ID = /^[0-9a-f]{32}$/

/** The node id of a public key of 32 bytes. Whether the key may sign is another question, see FORMAT.md. */
export const publicKeyToNodeId = (publicKey: Uint8Array): NodeId => {
  if (publicKey.length !== 32) throw new RangeError(`a public key has 32 bytes, not ${publicKey.length}`)
  return bytesToBase64Url(publicKey) as NodeId
}

/** The 32 bytes of the public key that a node id is. */
export const nodeIdToPublicKey = (nodeId: NodeId): Uint8Array => {
  const bytes = base64UrlToBytes(nodeId)
  if (bytes === undefined) throw new RangeError(`not a node id: ${nodeId}`)
  return bytes
}

/** `undefined` when `text` is not the canonical text of 32 bytes. */
export const parseNodeId = (text: string): NodeId | undefined => (NODE_ID.test(text) ? (text as NodeId) : undefined)

/** The id of a node's stream; `number` counts from 0. */
export const streamIdOf = (nodeId: NodeId, number: number): StreamId => `${nodeId}-${number}` as StreamId

/** A stream id taken apart; `branch` is `''` or `~…` as written. `undefined` when `text` is none. */
export const parseStreamId = (
  text: string,
): { readonly id: StreamId; readonly nodeId: NodeId; readonly number: number; readonly branch: string } | undefined => {
  const match = STREAM_ID.exec(text)
  const number = Number(match?.[2])
  if (match === null || number > 0xffff_ffff) return undefined
  return { id: text as StreamId, nodeId: match[1] as NodeId, number, branch: match[3] ?? '' }
}

/** The stream of which this is a branch, or itself. */
export const streamWithoutBranch = (stream: StreamId): StreamId => (stream.includes('~') ? (stream.slice(0, stream.indexOf('~')) as StreamId) : stream)

/** The node whose stream this is. */
export const streamIdToNodeId = (stream: StreamId): NodeId => stream.slice(0, 43) as NodeId

export const parseSwarmId = (text: string): SwarmId | undefined => (SWARM_ID.test(text) ? (text as SwarmId) : undefined)
