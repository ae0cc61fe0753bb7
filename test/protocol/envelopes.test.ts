import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesToBase64Url, bytesToHex, concatBytes } from '../../src/core/bytes.ts'
import { crc32 } from '../../src/core/crc32.ts'
import { encodeUtf8 } from '../../src/core/utf8.ts'
import { backoffMs, reconnectBackoff, violationBackoff } from '../../src/protocol/backoff.ts'
import { encodeCbor } from '../../src/protocol/cbor.ts'
import { decodeInvitation, encodeInvitation, swarmIdSource, type Invitation } from '../../src/protocol/invitation.ts'
import { memberSignedBytes } from '../../src/protocol/members.ts'
import { proofBytes, transcriptBytes, u32 } from '../../src/protocol/proof.ts'
import { decodeEnvelope, encodeEnvelope, envelopeAdditional, envelopeSignedBytes, whoeverIsThere } from '../../src/protocol/relay.ts'
import { decodeSignal, encodeSignal, SIGNAL_BYTES_MAX, type Signal } from '../../src/protocol/signal.ts'
import { startBytes } from '../../src/stream/swarm.ts'
import { bytes, deepFreeze, nodeA, nodeB, streamA, swarm } from './messages.ts'

const label = (text: string) => bytesToHex(encodeUtf8(text))
const hex = (...parts: readonly Uint8Array[]) => bytesToHex(concatBytes(parts))

describe('signed bytes', () => {
  test('[R7] what a proof is over', () => {
    const transcript = deepFreeze({ hello: { d: bytes(3), a: bytes(2, 9) }, fingerprint: { d: bytes(32, 50), a: bytes(32, 90) } })
    expect(bytesToHex(transcriptBytes(transcript))).toBe(`00000003000102${'00000002'}090a${'00000020'}${hex(bytes(32, 50))}${'00000020'}${hex(bytes(32, 90))}`)
    expect(bytesToHex(proofBytes('d', nodeA, bytes(32, 7)))).toBe(`${label('millpond/proof/1')}64${hex(bytes(32, 1), bytes(32, 7))}`)
  })

  test('[R50] what an envelope is over', () => {
    const envelope = deepFreeze({ from: nodeA, to: nodeB, nonce: bytes(16, 3), content: bytes(40, 4) })
    expect(bytesToHex(envelopeSignedBytes(swarm, envelope))).toBe(`${label('millpond/relay/1')}${swarm}${hex(bytes(32, 1), bytes(32, 101), bytes(16, 3), bytes(40, 4))}`)
    expect(bytesToHex(envelopeAdditional(envelope))).toBe(hex(bytes(32, 1), bytes(32, 101), bytes(16, 3)))
  })

  test('[R55] what an entry of members is over', () =>
    expect(bytesToHex(memberSignedBytes(swarm, { nodeId: nodeA, name: 'ä', links: [nodeB], counter: 2 ** 32 + 5 })))
      .toBe(`${label('millpond/about/1')}${swarm}${hex(bytes(32, 1))}00000002c3a400000001${hex(bytes(32, 101))}0000000100000005`))

  test('[R40] what a start is over', () =>
    expect(bytesToHex(startBytes(swarm, streamA, { offset: 500, previous: bytes(32, 3), lamportBefore: 2 ** 32, chain: bytes(32, 7) })))
      .toBe(`${label('millpond/start/2')}${swarm}${hex(bytes(32, 1))}0000000000000000000001f4${hex(bytes(32, 3))}0000000100000000${hex(bytes(32, 7))}`))
})

describe('envelopes', () => {
  const envelope = { from: nodeA, to: whoeverIsThere, nonce: bytes(16, 3), content: bytes(60, 4), signature: bytes(64, 5) }
  test('[R50] an envelope by itself comes out as it went in', () => expect(decodeEnvelope(encodeEnvelope(envelope))).toEqual({ ok: true, value: envelope }))
  test('[R50] above 4 KiB it is refused', () => expect(decodeEnvelope(encodeEnvelope({ ...envelope, content: bytes(4_000) }))).toEqual({ ok: false, error: 'too large' }))
  test('[R50] noise never throws', () => fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => { expect(decodeEnvelope(noise).ok).toBe(false) })))
})

describe('signals', () => {
  const attempt = bytes(16, 1)
  const all: readonly (readonly [Signal, string])[] = [
    [{ type: 'greet', own: bytes(16), peer: bytes(16, 16) }, `830150${hex(bytes(16))}50${hex(bytes(16, 16))}`],
    [{ type: 'dialMe', attempt }, `820250${hex(attempt)}`],
    [{ type: 'signal', attempt, index: 300, data: bytes(2) }, `840350${hex(attempt)}19012c420001`],
    [{ type: 'refuse', attempt, reason: 'busy' }, `830450${hex(attempt)}6462757379`],
  ]
  test.each(all)('[R52] $type', (signal, text) => {
    expect(bytesToHex(encodeSignal(signal))).toBe(text)
    expect(decodeSignal(encodeSignal(signal))).toEqual({ ok: true, value: signal })
  })
  test.each([
    ['no array', encodeCbor(1)], ['an empty array', encodeCbor([])], ['another kind', encodeCbor([5, attempt])], ['an attempt of 15 bytes', encodeCbor([2, bytes(15)])],
    ['a field more', encodeCbor([2, attempt, 1])], ['another refusal', encodeCbor([4, attempt, 'no'])], ['data above 3 KiB', encodeCbor([3, attempt, 0, bytes(SIGNAL_BYTES_MAX + 1)])],
  ])('[R52] %s is refused', (_, noise) => expect(decodeSignal(noise).ok).toBe(false))
})

describe('invitations', () => {
  const invitation: Invitation = { founder: bytes(32), random: bytes(16, 40), swarmKey: bytes(32, 60), lamport: 3_000_000, hubs: ['https://10.77.0.254:8443', 'https://hub.local:8443'] }
  const text = encodeInvitation(deepFreeze(invitation))

  test('[R60] its bytes', () => expect(text).toBe('AYVYIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fUCgpKissLS4vMDEyMzQ1NjdYIDw9Pj9AQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbGgAtxsCCeBhodHRwczovLzEwLjc3LjAuMjU0Ojg0NDN2aHR0cHM6Ly9odWIubG9jYWw6ODQ0M9ghJ9Q'))
  test('[R60] it comes out as it went in, broken into lines too', () => {
    expect(decodeInvitation(text)).toEqual({ ok: true, value: invitation })
    expect(decodeInvitation(` ${text.slice(0, 50)}\r\n${text.slice(50)}\n`)).toEqual({ ok: true, value: invitation })
  })
  test('[R60] what the swarm id is made of', () => expect(bytesToHex(swarmIdSource(invitation.founder, invitation.random))).toBe(`${label('millpond/swarm/1')}${hex(bytes(32), bytes(16, 40))}`))
  test('[R60] every changed character and every cut is found', () => {
    for (let at = 0; at < text.length; at++) {
      const other = text[at] === 'A' ? 'B' : 'A'
      expect(decodeInvitation(text.slice(0, at) + other + text.slice(at + 1))).toEqual({ ok: false, error: 'damaged' })
      expect(decodeInvitation(text.slice(0, at)).ok).toBe(false)
    }
  })
  test('[R60] [G7] one whose clock is near its end is refused, and none is made', () => {
    const crafted = (lamport: number) => {
      const { founder, random, swarmKey, hubs } = invitation
      const said = concatBytes([Uint8Array.of(1), encodeCbor([founder, random, swarmKey, lamport, hubs])])
      return bytesToBase64Url(concatBytes([said, u32(crc32(said))]))
    }
    expect(decodeInvitation(crafted(2 ** 51 + 1))).toEqual({ ok: false, error: 'malformed' })
    expect(decodeInvitation(crafted(2 ** 51))).toMatchObject({ ok: true, value: { lamport: 2 ** 51 } })
    expect(encodeInvitation({ ...invitation, lamport: 2 ** 52 - 1 })).toBe(crafted(2 ** 51))
  })
  test.each([['text', 'not/base64+url='], ['text', ''], ['text', 'A'.repeat(20_000)], ['damaged', 'AAAA']] as const)('[R60] %s', (error, bad) =>
    expect(decodeInvitation(bad)).toEqual({ ok: false, error }))
})

describe('back-off', () => {
  test.each([
    [reconnectBackoff, 1, 0, 1_000], [reconnectBackoff, 3, 0, 4_000], [reconnectBackoff, 7, 0, 60_000], [reconnectBackoff, 9_999, 0.5, 45_000],
    [violationBackoff, 1, 0, 10_000], [violationBackoff, 20, 0, 3_600_000],
  ])('[R61] %o after %i failures', (backoff, failures, random, ms) => expect(backoffMs(backoff, failures, random)).toBe(ms))
})
