import SimplePeer from 'simple-peer/simplepeer.min.js'
import { decodeSignal } from '../../src/net/simple-peer-signal.ts'
import { createSimplePeerConnector } from '../../src/net/simple-peer-transport.ts'
import type { Attempt, AttemptHandlers, Transport } from '../../src/net/transport.ts'
import type { TransportFactory } from '../contract/transport.contract.ts'
import { realTimers } from '../net/real-timers.ts'

export const connector = createSimplePeerConnector({ stunUrls: () => [], timers: realTimers })

interface Ends {
  readonly near: Attempt
  readonly far: Attempt
  readonly opened: Promise<readonly [Transport, Transport]>
}

/** Two attempts in one page, each given the signals of the other. `carry` may change or keep back what the dialler says. */
export const connect = (carry: (data: Uint8Array) => Uint8Array | undefined = (data) => data): Ends => {
  const begin = (dialled: boolean, other: () => Attempt, change: typeof carry) => {
    const { promise, resolve, reject } = Promise.withResolvers<Transport>()
    const handlers: AttemptHandlers = {
      signal: (data) => {
        const carried = change(data)
        if (carried !== undefined) other().signal(carried)
      },
      opened: resolve,
      failed: (reason) => reject(new Error(reason)),
    }
    return { attempt: connector.begin(dialled, handlers), promise }
  }
  const far = begin(false, () => near.attempt, (data) => data)
  const near = begin(true, () => far.attempt, carry)
  return { near: near.attempt, far: far.attempt, opened: Promise.all([near.promise, far.promise]) }
}

/** An end that is simple-peer alone, and sends whatever frame it is given. */
const connectRaw = async () => {
  const raw = new SimplePeer({ initiator: true, objectMode: true, trickle: true, config: { iceServers: [] }, channelConfig: { ordered: true }, channelName: 'millpond' })
  const { promise, resolve, reject } = Promise.withResolvers<Transport>()
  const attempt = connector.begin(false, {
    signal: (data) => raw.signal(decodeSignal(data) ?? {}),
    opened: resolve,
    failed: (reason) => reject(new Error(reason)),
  })
  raw.on('signal', (signal) => attempt.signal(new TextEncoder().encode(JSON.stringify(signal))))
  // The other end closes on a violation, and simple-peer calls that an error.
  const errors: unknown[] = []
  raw.on('error', (error) => errors.push(error))
  const connected = new Promise<void>((done) => raw.on('connect', done))
  const transport = await promise
  await connected
  return { transport, send: (frame: Uint8Array) => raw.send(frame) }
}

export const simplePeerFactory: TransportFactory = { pair: () => connect().opened, raw: connectRaw, patienceMs: 10_000 }
