import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { guardPeer } from '../../src/net/peerjs-guard.ts'
import { createTestWorld } from '../environment.ts'

const { chromium } = JSON.parse(readFileSync('test/fixtures/sdp-samples.json', 'utf8')) as { readonly chromium: { readonly offer: string; readonly answer: string } }

/** A guarded peer whose messages come from the test; `given`: what gets through. */
const guarded = (known: readonly string[] = ['a/1']) => {
  const world = createTestWorld()
  const given: unknown[] = []
  let listeners: ((message: unknown) => void)[] = [(message) => given.push(message)]
  const socket = { listeners: () => listeners, removeAllListeners: () => (listeners = []), on: (_: 'message', listener: (message: unknown) => void) => listeners.push(listener) }
  guardPeer({ socket, getConnection: (peer, connection) => (known.includes(`${peer}/${connection}`) ? { peerConnection: {} } : null) }, { isWelcome: async (id) => id === 'a', timers: world })
  return { world, given, say: (...messages: readonly unknown[]) => { for (const message of messages) for (const listener of listeners) listener(message) } }
}

const offer = (payload: object = {}, src: unknown = 'a') => ({ type: 'OFFER', src, payload: { type: 'data', connectionId: '1', serialization: 'raw', label: 'intro', sdp: { type: 'offer', sdp: chromium.offer }, ...payload } })
const answer = { type: 'ANSWER', src: 'a', payload: { type: 'data', connectionId: '1', sdp: { type: 'answer', sdp: chromium.answer } } }
const candidate = (address = '10.0.0.1', connectionId = '1') => ({ type: 'CANDIDATE', src: 'a', payload: { type: 'data', connectionId, candidate: { candidate: `candidate:1 1 udp 1 ${address} 9 typ host`, sdpMid: '0', sdpMLineIndex: 0 } } })

test('[G7] what two pages of one swarm agree with gets through in order, and what the hub itself says', async () => {
  const { world, given, say } = guarded()
  const all = [{ type: 'OPEN' }, offer(), answer, candidate(), candidate('5855d313-6c59-4d8e-ae7b-485fbc5fd8b7.local'), { type: 'EXPIRE', src: 'a' }]
  say(...all)
  await world.settle()
  expect(given).toEqual(all)
})

const refused: readonly (readonly [string, unknown])[] = [
  ['an offer of another swarm, or with a wrong tag', offer({}, 'stranger')],
  ['one of nobody', offer({}, null)],
  ['one for sound and pictures', offer({ type: 'media' })],
  ['one whose description has pictures', offer({ sdp: { type: 'offer', sdp: chromium.offer.replace('m=application', 'm=video') } })],
  ['one that names a host elsewhere', offer({ sdp: { type: 'offer', sdp: `${chromium.offer}a=candidate:1 1 udp 1 attacker.example 9 typ host\r\n` } })],
  ['one that is an answer', offer({ sdp: { type: 'answer', sdp: chromium.answer } })],
  ['one with a form that has to be decoded', offer({ serialization: 'binary' })],
  ['one with the name of a property of objects', offer({ serialization: 'constructor' })],
  ['one without description', offer({ sdp: undefined })],
  ['a candidate elsewhere', candidate('attacker.example')],
  ['a candidate of no connection, which would be kept for ever', candidate('10.0.0.1', '2')],
  ['an answer of no connection', { ...answer, payload: { ...answer.payload, connectionId: '3' } }],
  ['another type', { type: 'NEWS', src: 'a', payload: {} }],
  ['nothing', null], ['a text', 'OFFER'], ['a list', []], ['a payload that is none', { type: 'OFFER', src: 'a', payload: null }],
]
test.each(refused)('[G7] %s does not get through, and what follows does', async (_, message) => {
  const { world, given, say } = guarded()
  say(message, offer())
  await world.settle()
  expect(given).toEqual([offer()])
})

test('[G7] of what pages say at once two hundred wait, and the hub is heard all the same', async () => {
  const { world, given, say } = guarded()
  say(...Array.from({ length: 300 }, () => candidate()), { type: 'EXPIRE', src: 'a' })
  await world.settle()
  expect([given.length, given.at(-1)]).toEqual([201, { type: 'EXPIRE', src: 'a' }])
})

test('[G7] sixty offers in a row get through, then one a second: each makes a peer connection', async () => {
  const { world, given, say } = guarded()
  for (let at = 0; at < 10; at++) {
    say(...Array.from({ length: 15 }, () => offer()))
    await world.settle()
  }
  expect(given.length).toBe(60)
  await world.advance(10_000)
  say(...Array.from({ length: 100 }, () => offer()))
  await world.settle()
  expect(given.length).toBe(70)
})
