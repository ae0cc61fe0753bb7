import { bytesToHex } from '../../src/core/bytes.ts'
import type { Transport } from '../../src/net/transport.ts'
import { joinSwarm } from '../../src/node/join-swarm.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { decodeMessage } from '../../src/protocol/codec.ts'
import type { Message } from '../../src/protocol/message.ts'
import { helloOf, meet, proveHere, type Stranger } from './intruder-connection.ts'

/** How the intruder tries to get in. It knows how tablets meet, or it would not come this far; what it lacks is a proof. */
export type Trick = 'other key' | 'echo' | 'replay'

/** What one tablet said to the intruder: types of messages in order, `bye` with its reason. */
export interface Heard {
  readonly peer: string
  readonly said: readonly string[]
}

declare global {
  /** Put there by `intruder-page.ts`. Ends when `count` tablets have turned it away. */
  var intrude: (invitation: string, hub: string, trick: Trick, count: number) => Promise<readonly Heard[]>
}

interface Intruder extends Stranger {
  readonly trick: Trick
  /** A true proof of the intruder, made on an earlier connection. */
  readonly earlier: Uint8Array | undefined
}

/** The message that is sent where a proof is due. */
const proofOf = async (intruder: Intruder, transport: Transport, theirHello: Uint8Array): Promise<Uint8Array> => {
  if (intruder.earlier !== undefined) return intruder.earlier
  const key = intruder.trick === 'other key' ? crypto.getRandomValues(new Uint8Array(32)) : intruder.swarm.key
  return proveHere(intruder, transport, { own: helloOf(intruder), theirs: theirHello }, key)
}

/** Runs one connection until it is closed. `heard` is called with each message. */
const converse = async (intruder: Intruder, transport: Transport, heard: (message: Message) => void): Promise<void> => {
  let closed: () => void = () => undefined
  const end = new Promise<void>((resolve) => {
    closed = resolve
  })
  const answer = async (bytes: Uint8Array, message: Message): Promise<void> => {
    if (intruder.trick === 'echo' && message.type === 'proof') transport.send(bytes)
    if (intruder.trick !== 'echo' && message.type === 'hello') transport.send(await proofOf(intruder, transport, bytes))
  }
  transport.start({
    message: (bytes) => {
      const decoded = decodeMessage(bytes)
      if (!decoded.ok) throw new Error(decoded.error.text)
      heard(decoded.value)
      answer(bytes, decoded.value).catch(reportError)
    },
    heard: () => undefined,
    drained: () => undefined,
    closed: () => closed(),
  })
  transport.send(helloOf(intruder))
  await end
}

/** A true proof of this intruder, as it was sent on a connection that is over. */
const recordProof = async (intruder: Intruder, introductionId: Uint8Array, hub: string): Promise<Uint8Array> => {
  let leave: () => Promise<void> = () => Promise.resolve()
  const proof = await new Promise<Uint8Array>((resolve, reject) => {
    meet(intruder.swarm, intruder.identity, introductionId, hub, (transport) => {
      transport.start({
        message: (bytes) => {
          proofOf(intruder, transport, bytes).then((made) => {
            transport.close('closed')
            resolve(made)
          }, reject)
        },
        heard: () => undefined,
        drained: () => undefined,
        closed: () => undefined,
      })
      transport.send(helloOf(intruder))
    }).then((stop) => {
      leave = stop
    }, reject)
  })
  await leave()
  return proof
}

globalThis.intrude = async (invitation, hub, trick, count) => {
  const { swarm } = await joinSwarm(webCrypto, invitation)
  const introductionId = crypto.getRandomValues(new Uint8Array(16))
  const nonce = new Uint8Array(32)
  nonce.set(introductionId)
  crypto.getRandomValues(nonce.subarray(16))
  const stranger: Intruder = { swarm, identity: await webCrypto.generateIdentity(), nonce, trick, earlier: undefined }
  const intruder = trick === 'replay' ? { ...stranger, earlier: await recordProof(stranger, crypto.getRandomValues(new Uint8Array(16)), hub) } : stranger
  const ended: Heard[] = []
  let leave: () => Promise<void> = () => Promise.resolve()
  await new Promise<void>((resolve, reject) => {
    meet(swarm, intruder.identity, introductionId, hub, (transport) => {
      const said: string[] = []
      const heard = (message: Message): void => void said.push(message.type === 'bye' ? `bye ${message.reason}` : message.type)
      converse(intruder, transport, heard).then(() => {
        ended.push({ peer: bytesToHex(transport.fingerprints.peer), said })
        if (ended.length >= count) resolve()
      }, reject)
    }).then((stop) => {
      leave = stop
    }, reject)
  })
  await leave()
  return ended
}
