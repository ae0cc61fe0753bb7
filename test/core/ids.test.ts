import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nodeIdToPublicKey, parseNodeId, parseStreamId, parseSwarmId, publicKeyToNodeId, streamIdOf, streamIdToNodeId } from '../../src/core/ids.ts'

const nodeId = publicKeyToNodeId(new Uint8Array(32).fill(255))

test('[F31] a node id is canonical base64url of 32 bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
      const id = publicKeyToNodeId(key)
      expect(parseNodeId(id)).toBe(id)
      expect(nodeIdToPublicKey(id)).toEqual(key)
    }),
  )
  // The last character of 43 carries four bits: '8' is 111100, '9' has a bit too many.
  expect(nodeId.slice(-2)).toBe('_8')
  for (const text of ['', nodeId.slice(1), `${nodeId}A`, `${nodeId.slice(0, 42)}9`, `+${nodeId.slice(1)}`, `${nodeId}\n`]) expect(parseNodeId(text)).toBeUndefined()
})

test('[F31] a stream id has a number without leading zeros, and branches', () => {
  const branch = `~${'b'.repeat(22)}`
  expect(parseStreamId(streamIdOf(nodeId, 7))).toEqual({ id: `${nodeId}-7`, nodeId, number: 7, branch: '' })
  expect(parseStreamId(`${nodeId}-0${branch}${branch}`)).toMatchObject({ number: 0, branch: branch + branch })
  expect(streamIdToNodeId(streamIdOf(nodeId, 7))).toBe(nodeId)
  expect(parseStreamId(`${nodeId}-4294967295`)?.number).toBe(4294967295)
  for (const rest of ['', '-', '-01', '--1', '-4294967296', '-1x', '-1~', `-1${branch}c`, '-1~b', `-1 `]) expect(parseStreamId(nodeId + rest)).toBeUndefined()
})

test('[F31] a swarm id has 32 lower-case hex digits', () => {
  const text = '0123456789abcdef0123456789abcdef'
  expect(parseSwarmId(text)).toBe(text)
  for (const other of ['', text.slice(1), `${text}0`, text.toUpperCase()]) expect(parseSwarmId(other)).toBeUndefined()
})
