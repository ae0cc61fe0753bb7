import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { base32ToBytes, bytesToBase32 } from '../../src/core/base32.ts'
import { bytesToHex } from '../../src/core/bytes.ts'
import { parseSwarmId, type SwarmId } from '../../src/core/ids.ts'
import { decodePairing, encodePairing, type EndDescription, type PairingCandidate, type PairingSignal } from '../../src/protocol/pairing.ts'
import { buildSdp, extractSignal } from '../../src/protocol/pairing-sdp.ts'
import { bytes } from './messages.ts'

const swarmOf = (text: string): SwarmId => {
  const swarm = parseSwarmId(text)
  if (swarm === undefined) throw new Error(text)
  return swarm
}
const swarm = swarmOf('00112233445566778899aabbccddeeff')
const other = swarmOf('01112233445566778899aabbccddeeff')
const fixture: { readonly signal: string; readonly bytes: string; readonly text: string }[] = JSON.parse(readFileSync('test/fixtures/pairing-1.json', 'utf8'))
const samples: Readonly<Record<string, { readonly offer: string; readonly answer: string }>> = JSON.parse(readFileSync('test/fixtures/sdp-samples.json', 'utf8'))

const small: PairingSignal = {
  role: 'offer', swarm, attempt: bytes(4, 9), fingerprint: bytes(32, 100), ufrag: '/+bI', password: 'qzICnxD5rVBlKL7GrMahj18a', candidates: [{ type: 'ipv4', address: Uint8Array.of(10, 77, 0, 1), port: 46151 }],
}
const large: PairingSignal = {
  ...small, role: 'answer', ufrag: 'a5916e16', password: '2d5c47ab472f7cc38f3db9dc064ba46c',
  candidates: [{ type: 'ipv4', address: Uint8Array.of(192, 168, 1, 20), port: 1 }, { type: 'local', address: bytes(16, 3), port: 65_535 }, { type: 'ipv6', address: bytes(16, 200), port: 258 }],
}

const ice = (minLength: number) => fc.string({ unit: fc.constantFrom(...'abyzABYZ0189+/'), minLength, maxLength: 40 })
const candidates: fc.Arbitrary<PairingCandidate> = fc.oneof(
  fc.record({ type: fc.constant('ipv4' as const), address: fc.uint8Array({ minLength: 4, maxLength: 4 }), port: fc.integer({ min: 1, max: 65_535 }) }),
  fc.record({ type: fc.constantFrom('ipv6' as const, 'local' as const), address: fc.uint8Array({ minLength: 16, maxLength: 16 }), port: fc.integer({ min: 1, max: 65_535 }) }),
)
const signals: fc.Arbitrary<PairingSignal> = fc.record({
  role: fc.constantFrom('offer' as const, 'answer' as const), swarm: fc.constant(swarm), attempt: fc.uint8Array({ minLength: 4, maxLength: 4 }), fingerprint: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  ufrag: ice(4), password: ice(22), candidates: fc.array(candidates, { minLength: 1, maxLength: 3 }),
})
const decode = (text: string, { role, attempt }: PairingSignal = small) => decodePairing(text, { swarm, role, attempt })

describe('pairing codes', () => {
  test('[R80] golden bytes', () => {
    for (const [at, signal] of [small, large].entries()) {
      const text = encodePairing(signal)
      expect([text, bytesToHex(base32ToBytes(text.slice(3)) ?? bytes(0))]).toEqual([fixture[at]?.text, fixture[at]?.bytes])
      expect(decode(fixture[at]?.text ?? '', signal)).toEqual({ ok: true, value: signal })
    }
  })

  test('[R80] about 100 bytes: capitals and digits alone, so that a small QR code holds it', () => {
    expect(encodePairing(small)).toMatch(/^MP:[A-Z2-7]+$/)
    expect(base32ToBytes(encodePairing(small).slice(3))?.length).toBe(84)
    expect(base32ToBytes(encodePairing(large).slice(3))?.length).toBe(132)
  })

  test('[R80] what was encoded comes out again, white space and case do not matter', () =>
    fc.assert(fc.property(signals, (signal) => {
      const text = encodePairing(signal)
      expect(decode(text, signal)).toEqual({ ok: true, value: signal })
      expect(decode(` ${text.toLowerCase().replace(/(.{30})/g, '$1\n')} `, signal)).toEqual({ ok: true, value: signal })
    })))

  test('[R81] one changed byte is always found', () =>
    fc.assert(fc.property(signals, fc.nat(), fc.integer({ min: 1, max: 255 }), (signal, place, change) => {
      const changed = (base32ToBytes(encodePairing(signal).slice(3)) ?? bytes(0)).slice()
      changed[place % changed.length] = (changed[place % changed.length] ?? 0) ^ change
      const decoded = decode(`MP:${bytesToBase32(changed)}`, signal)
      expect(decoded.ok ? 'taken' : decoded.error).toMatch(/PAIR-(CHANGED|SHORT)/)
    }), { numRuns: 500 }))

  test('[R81] every changed character is found', () => {
    const text = encodePairing(small)
    const changed = [...text].flatMap((own, at) => [...'A7!'].filter((character) => character !== own).map((character) => text.slice(0, at) + character + text.slice(at + 1)))
    expect(changed.filter((each) => decode(each).ok)).toEqual([])
  })

  test('[R81] cut short anywhere it is called so', () => {
    const text = encodePairing(small)
    for (let length = 3; length < text.length; length++) expect(decode(text.slice(0, length))).toEqual({ ok: false, error: 'PAIR-SHORT' })
  })

  test('[R81] each other fault has its code', () => {
    const text = encodePairing(small)
    expect(decode('https://10.77.0.254:8443/#join=AQAA')).toEqual({ ok: false, error: 'PAIR-OTHER' })
    expect(decode('')).toEqual({ ok: false, error: 'PAIR-OTHER' })
    expect(decode(`${text}A`)).toEqual({ ok: false, error: 'PAIR-CHANGED' })
    expect(decode(encodePairing({ ...small, swarm: other }))).toEqual({ ok: false, error: 'PAIR-SWARM' })
    expect(decode(encodePairing({ ...small, role: 'answer' }))).toEqual({ ok: false, error: 'PAIR-STEP' })
    expect(decode(encodePairing({ ...small, attempt: bytes(4, 50) }))).toEqual({ ok: false, error: 'PAIR-OLD' })
    expect(decode(encodePairing({ ...small, ufrag: 'a\r\nb' }))).toEqual({ ok: false, error: 'PAIR-CHANGED' })
    expect(decode(encodePairing({ ...small, candidates: [] }))).toEqual({ ok: false, error: 'PAIR-CHANGED' })
  })

  test('[R81] of a later version it says so', () => expect(decode(fixture[2]?.text ?? '')).toEqual({ ok: false, error: 'PAIR-NEWER' }))

  test('[R81] noise is never taken and never throws', () =>
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => { expect(decode(`MP:${bytesToBase32(noise)}`).ok).toBe(false) })))
})

describe('session descriptions', () => {
  test.each(Object.entries(samples))('[R82] of %s: what is needed is taken and built again', (name, { offer, answer }) => {
    for (const [role, sdp] of [['offer', offer], ['answer', answer]] as const) {
      const description = extractSignal(sdp)
      if (description === undefined) throw new Error(name)
      expect(sdp).toContain(`a=ice-ufrag:${description.ufrag}\r\n`)
      expect(sdp).toContain(`a=ice-pwd:${description.password}\r\n`)
      expect(description.candidates.map(({ type }) => type)).toEqual(name === 'chromiumCamera' ? ['ipv4', 'ipv6'] : ['local', 'local'])
      const built = buildSdp({ role, ...description })
      expect(extractSignal(built)).toEqual(description)
      expect(built).toContain(`a=setup:${role === 'offer' ? 'actpass' : 'active'}\r\n`)
      expect(built).toContain('a=sctp-port:5000\r\na=max-message-size:262144\r\n')
      for (const [, digits] of sdp.matchAll(/^a=fingerprint:sha-256 (.*)\r$/gm)) expect(built).toContain(digits)
    }
  })

  test('[R82] what was told comes out of what is built, whatever the candidates', () =>
    fc.assert(fc.property(signals, (signal) => {
      const description: EndDescription = { fingerprint: signal.fingerprint, ufrag: signal.ufrag, password: signal.password, candidates: [...new Map(signal.candidates.map((each) => [`${each.address.join()} ${each.port}`, each])).values()] }
      const again = extractSignal(buildSdp({ role: signal.role, ...description }))
      expect(new Set(again?.candidates)).toEqual(new Set(description.candidates))
      expect({ ...again, candidates: [] }).toEqual({ ...description, candidates: [] })
    })))

  test('[R82] candidates that came one by one count, three at most, literal IPv4 addresses first', () => {
    const [head = ''] = (samples['chromium']?.offer ?? '').split('a=candidate')
    const tail = (samples['chromium']?.offer ?? '').replace(/[^]*(?=a=ice-ufrag)/, '')
    const line = (address: string, port: number, kind = 'host', protocol = 'udp') => `candidate:1 1 ${protocol} 2113937151 ${address} ${port} typ ${kind} generation 0`
    const given = [
      line('fd00::2', 1), line('5855d313-6c59-4d8e-ae7b-485fbc5fd8b7.local', 2), line('10.77.0.1', 3, 'srflx raddr 0.0.0.0 rport 0'), line('10.77.0.1', 3), line('10.77.0.1', 9, 'host', 'tcp'), line('::1:2', 4), line('10.77.0.1', 70_000), line('300.1.1.1', 5),
    ]
    expect(extractSignal(head + tail)).toBeUndefined()
    const found = extractSignal(head + tail, given)?.candidates.map(({ type, address, port }) => `${type} ${bytesToHex(address)} ${port}`)
    expect(found).toEqual(['ipv4 0a4d0001 3', 'local 5855d3136c594d8eae7b485fbc5fd8b7 2', 'ipv6 fd000000000000000000000000000002 1'])
  })

  test('[R82] a description that is none for data channels gives nothing', () => {
    const sdp = samples['chromium']?.offer ?? ''
    for (const [from, to] of [['a=mid:0', 'a=mid:1'], ['a=fingerprint:sha-256', 'a=fingerprint:sha-512'], ['a=ice-pwd:', 'a=ice-other:']] as const) expect(extractSignal(sdp.replace(from, to))).toBeUndefined()
    expect(extractSignal(`${sdp}a=fingerprint:sha-256 ${'00:'.repeat(31)}00\r\n`)).toBeUndefined()
  })
})
