import { describe, expect, test } from 'vitest'
import { lowWaterBytes } from '../../src/net/transport.ts'
import type { Transport } from '../../src/net/transport.ts'
import { transportContract } from '../contract/transport.contract.ts'
import { connect, connector, simplePeerFactory } from './simple-peer-pair.ts'

describe('simple-peer keeps the contract', () => {
  for (const { rule, title, run } of transportContract) {
    test(`[${rule}] ${title}`, async () => {
      expect.hasAssertions()
      await run(simplePeerFactory)
    })
  }
})

const text = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))

describe('an attempt', () => {
  const failing = async (signals: readonly Uint8Array[], dialled = false): Promise<string> => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const attempt = connector.begin(dialled, { signal: () => undefined, opened: () => resolve('opened'), failed: resolve })
    for (const signal of signals) attempt.signal(signal)
    return promise
  }
  const candidate = (change: object) => text({ type: 'candidate', candidate: { candidate: 'candidate:1 1 udp 1 192.0.2.1 9 typ host', sdpMLineIndex: 0, sdpMid: '0', ...change } })

  test('[G7] a malformed signal fails it and harms nothing else', async () => {
    const fingerprint = `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}\r\n`
    expect(await failing([text('no JSON')])).toBe('malformed signal')
    expect(await failing([text({ type: 'renegotiate', renegotiate: true })])).toBe('malformed signal')
    expect(await failing([text({ type: 'offer', sdp: 'v=0', more: 1 })])).toBe('malformed signal')
    expect(await failing([text({ type: 'offer', sdp: 'v=0\r\n' })])).toBe('malformed signal')
    expect(await failing([text({ type: 'offer', sdp: `v=0\r\n${fingerprint}${fingerprint}` })])).toBe('malformed signal')
    expect(await failing([new Uint8Array(3 * 1024 + 1)])).toBe('malformed signal')
    expect(await failing([candidate({ sdpMLineIndex: 1 })])).toBe('malformed signal')
    expect(await failing([candidate({ candidate: 'x'.repeat(513) })])).toBe('malformed signal')
    const section = 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n'
    expect(await failing([text({ type: 'answer', sdp: `v=0\r\n${section}${fingerprint}` })])).toBe('signal out of order')
    expect(await failing([text({ type: 'offer', sdp: `v=0\r\n${section}${fingerprint}` })], true)).toBe('signal out of order')
    expect(await failing([text({ type: 'offer', sdp: `no description\r\n${section}${fingerprint}` })])).toContain('ERR_SET_REMOTE_DESCRIPTION')
    expect(await failing(Array.from({ length: 65 }, () => candidate({})))).toBe('too many candidates')
    const [near] = await connect().opened
    near.close('done')
  })

  test('[T7] one that was cancelled says nothing, and its end is given up', async () => {
    const calls: string[] = []
    const handlers = { signal: () => calls.push('signal'), opened: () => calls.push('opened'), failed: () => calls.push('failed') }
    const attempt = connector.begin(true, handlers)
    attempt.cancel()
    attempt.cancel()
    attempt.signal(text('late'))
    const [near, far] = await connect().opened
    expect(calls).toEqual([])
    near.close('done')
    far.close('done')
  })
})

test('[T8] 20 MB with the queue kept low', async () => {
  const [near, far] = await connect().opened
  const megabytes = await transferRate(near, far, 20e6)
  console.log(`simple-peer: ${megabytes.toFixed(1)} MB/s in one page`)
  expect(megabytes).toBeGreaterThan(0.5)
  near.close('done')
})

/** Sends `bytes` in messages of 192 KiB, each when the queue is below 512 KiB. @returns MB/s until the last has arrived */
const transferRate = async (near: Transport, far: Transport, bytes: number): Promise<number> => {
  const message = new Uint8Array(192 * 1024).fill(7)
  const begun = performance.now()
  let [sent, received, highest] = [0, 0, 0]
  const { promise, resolve } = Promise.withResolvers<void>()
  const fill = () => {
    while (sent < bytes && near.bufferedBytes < 512 * 1024) {
      near.send(message)
      sent += message.length
      highest = Math.max(highest, near.bufferedBytes)
    }
  }
  far.start({
    message: ({ length }) => {
      received += length
      if (received >= bytes) resolve()
    },
    heard: () => undefined,
    drained: () => undefined,
    closed: () => undefined,
  })
  near.start({ message: () => undefined, heard: () => undefined, drained: fill, closed: () => undefined })
  fill()
  await promise
  expect(highest).toBeGreaterThan(lowWaterBytes)
  expect(highest).toBeLessThan(1024 * 1024)
  return received / 1000 / (performance.now() - begun)
}
