import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { decodeSignal } from '../../src/net/simple-peer-signal.ts'

const samples: Readonly<Record<string, { readonly offer: string; readonly answer: string }>> = JSON.parse(readFileSync('test/fixtures/sdp-samples.json', 'utf8'))
const read = (signal: unknown) => decodeSignal(new TextEncoder().encode(JSON.stringify(signal)))
const offer = samples['chromium']?.offer ?? ''
const candidate = (address: string, rest = '9 typ host generation 0') => ({ type: 'candidate', candidate: { candidate: `candidate:1 1 udp 2113937151 ${address} ${rest}`, sdpMLineIndex: 0, sdpMid: '0' } })
const withLine = (line: string) => ({ type: 'offer', sdp: `${offer}${line}\r\n` })

test.each(Object.entries(samples))('[G7] what %s says is taken', (_, { offer: sdp, answer }) => {
  expect([read({ type: 'offer', sdp }), read({ type: 'answer', sdp: answer })]).toEqual([{ type: 'offer', sdp }, { type: 'answer', sdp: answer }])
})

test.each(['10.77.0.1', 'fd00::2', '::ffff:10.0.0.1', '5855d313-6c59-4d8e-ae7b-485fbc5fd8b7.local'])('[G9] a candidate at %s is taken', (address) => {
  expect(read(candidate(address))).toEqual(candidate(address))
  expect(read(withLine(`a=candidate:1 1 UDP 1 ${address} 9 typ srflx raddr 0.0.0.0 rport 0`))?.type).toBe('offer')
})

test.each(['attacker.example', 'localhost', 'a.b.c.d', '5855d313-6c59-4d8e-ae7b-485fbc5fd8b7.local.example', '10.0.0.1.example', ''])('[G9] a candidate at %s would be looked up elsewhere: refused, by itself and in a description', (address) => {
  expect(read(candidate(address))).toBeUndefined()
  expect(read(withLine(`a=candidate:1 1 udp 1 ${address} 9 typ host`))).toBeUndefined()
})

test.each([
  ['pictures', 'm=video 9 UDP/TLS/RTP/SAVPF 96'], ['sound', 'm=audio 9 UDP/TLS/RTP/SAVPF 111'], ['a second channel', 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel'],
  ['a second certificate', `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`],
])('[G7] a description with %s is refused', (_, line) => expect(read(withLine(line))).toBeUndefined())

test('[G7] a description with sound or pictures alone is refused', () => expect(read({ type: 'offer', sdp: offer.replace('m=application', 'm=video') })).toBeUndefined())
