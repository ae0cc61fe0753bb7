import type { NodeId, SwarmId } from '../../src/core/ids.ts'
import type { Transport } from '../../src/net/transport.ts'
import { createProofs } from '../../src/node/replication-proof.ts'
import { decodeMessage, encodeMessage } from '../../src/protocol/codec.ts'
import type { Hello, Message, Proof } from '../../src/protocol/message.ts'
import { transcriptBytes } from '../../src/protocol/proof.ts'
import type { Identity } from '../../src/store/event-store.ts'
import { swarm, type ReplicationWorld, type TestNode } from './replication-world.ts'

/** The other end of a connection, in the hands of a test: says what it is told to, and answers nothing by itself but the handshake. */
export interface Puppet {
  readonly transport: Transport
  /** All that was heard, in order. */
  readonly heard: Message[]
  /** The hello and the proof as bytes, as heard. */
  readonly heardBytes: Uint8Array[]
  readonly closed: string[]
  readonly say: (message: Message) => void
  readonly sayBytes: (bytes: Uint8Array) => void
  readonly hello: Hello
  readonly saidHello: Uint8Array
  /** A true proof for this connection, once the node's hello was heard. */
  readonly prove: (change?: { readonly role?: 'd' | 'a'; readonly swarmKey?: Uint8Array }) => Promise<Proof>
}

export interface PuppetOptions {
  readonly identity?: Identity
  readonly claim?: NodeId
  readonly swarm?: SwarmId
  readonly nonce?: Uint8Array
  readonly dials?: boolean
  readonly features?: readonly string[]
}

/** Connects a puppet to a node. Nothing is said yet. */
export const createPuppet = async ({ world, network, crypto }: ReplicationWorld, node: TestNode, options: PuppetOptions = {}): Promise<Puppet> => {
  const identity = options.identity ?? (await crypto.generateIdentity())
  const pair = network.connectPair('puppet', node.name)
  const [transport, other] = options.dials === false ? [pair[1], pair[0]] : pair
  const heard: Message[] = []
  const heardBytes: Uint8Array[] = []
  const closed: string[] = []
  const hello: Hello = {
    type: 'hello', versions: [1], features: options.features ?? [], swarm: options.swarm ?? swarm.id, nodeId: options.claim ?? identity.nodeId,
    nonce: options.nonce ?? world.random.bytes(32),
  }
  const saidHello = encodeMessage(hello)
  transport.start({
    message: (bytes) => {
      const decoded = decodeMessage(bytes)
      if (!decoded.ok) throw new Error(decoded.error.text)
      heardBytes.push(bytes)
      heard.push(decoded.value)
    },
    heard: () => undefined,
    drained: () => undefined,
    closed: (reason) => void closed.push(reason),
  })
  node.replication.add(other)
  await world.settle()
  const role = transport.dialled ? 'd' : 'a'
  return {
    transport, heard, heardBytes, closed, hello, saidHello,
    say: (message) => transport.send(encodeMessage(message)),
    sayBytes: (bytes) => transport.send(bytes),
    prove: async (change = {}) => {
      const own = { hello: saidHello, fingerprint: transport.fingerprints.own }
      const theirs = { hello: heardBytes[0] ?? new Uint8Array(0), fingerprint: transport.fingerprints.peer }
      const [d, a] = role === 'd' ? [own, theirs] : [theirs, own]
      const transcript = transcriptBytes({ hello: { d: d.hello, a: a.hello }, fingerprint: { d: d.fingerprint, a: a.fingerprint } })
      const proofs = createProofs(crypto, { ...swarm, key: change.swarmKey ?? swarm.key }, { ...identity, nodeId: options.claim ?? identity.nodeId })
      return { type: 'proof', ...(await proofs.prove(change.role ?? role, transcript)) }
    },
  }
}

/** A puppet that is a member: handshake done, `about` said. */
export const createMember = async (world: ReplicationWorld, node: TestNode, options: PuppetOptions = {}): Promise<Puppet> => {
  const puppet = await createPuppet(world, node, options)
  puppet.say(puppet.hello)
  puppet.say(await puppet.prove())
  puppet.say({ type: 'about', name: 'puppet', software: 'test', hubs: [] })
  await world.world.settle()
  return puppet
}

