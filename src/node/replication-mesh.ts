import { unreachable } from '../core/assert.ts'
import { nodeIdToPublicKey, type NodeId } from '../core/ids.ts'
import { fitText } from '../protocol/cbor.ts'
import { LINKS_MAX, MEMBER_SIGNED_MS, NAME_BYTES_MAX } from '../protocol/limits.ts'
import { hopsTo, linksOfMembers, membersOf, recentMembers, stepMembers, type Known, type MembersEffect, type MembersInput, type MembersState } from '../protocol/member-list.ts'
import { memberSignedBytes } from '../protocol/members.ts'
import type { ByeReason, Envelope, Member, Members, Message, Relay } from '../protocol/message.ts'
import type { SessionId } from '../protocol/plan-state.ts'
import { relayOf, stepRelay, type RelayEffect, type RelayInput, type RelayState } from '../protocol/relay-route.ts'
import { envelopeSignedBytes } from '../protocol/relay.ts'
import type { Identity } from '../store/event-store.ts'
import type { NodeCrypto, Swarm } from './crypto.ts'
import type { Environment } from './environment.ts'
import type { OpenConnection } from './replication-sessions.ts'

/** The features that are run here. */
export const meshFeatures: readonly string[] = ['relay', 'members']

export interface MeshContext {
  readonly crypto: NodeCrypto
  readonly environment: Environment
  readonly swarm: Swarm
  readonly identity: Identity
  /** Display name, as it is by then. */
  readonly name: () => string
  readonly send: (session: SessionId, message: Message) => void
  readonly end: (session: SessionId, reason: ByeReason, text: string) => void
  readonly supervise: (work: Promise<void>) => void
  /** An envelope for this node came over others. */
  readonly relayed: (envelope: Envelope) => void
  /** Other nodes, or their connections, are known otherwise than before. */
  readonly changed: () => void
}

/** Another node of the swarm, connected or not. */
export interface MeshNode {
  readonly nodeId: NodeId
  readonly name: string
  /** Connections to it over others: 1 when connected; `undefined`: nobody known is connected with it. */
  readonly hops: number | undefined
}

/** What this node knows of the mesh, and passes on in it: runs `relay` and `members` over all sessions. */
export class Mesh {
  readonly #context: MeshContext
  readonly #neighbours = new Map<SessionId, NodeId>()
  #relay: RelayState
  #members: MembersState
  /** What was signed last, and when. */
  #signed: { readonly name: string; readonly links: string; readonly atMs: number } | undefined
  #counter = 0
  /** Something was heard that was not told yet: a flood of entries is told as one. */
  #hasChanged = false
  /** Signatures are made and checked one after the other: envelopes keep their order, entries their counter. */
  #relayTurn: Promise<void> = Promise.resolve()
  #membersTurn: Promise<void> = Promise.resolve()
  #closed = false

  constructor(context: MeshContext) {
    this.#context = context
    this.#relay = relayOf(context.identity.nodeId)
    this.#members = membersOf(context.identity.nodeId)
  }

  up({ id: session, nodeId, open }: OpenConnection): void {
    this.#neighbours.set(session, nodeId)
    const input = { type: 'up', session, nodeId, nowMs: this.#nowMs() } as const
    const { features } = open.peer.hello
    if (features.includes('relay')) this.#stepRelay(input)
    if (features.includes('members')) this.#stepMembers(input)
    this.tick()
    this.#context.changed()
  }

  down(session: SessionId): void {
    if (!this.#neighbours.delete(session)) return
    this.#stepRelay({ type: 'down', session })
    this.#stepMembers({ type: 'down', session })
    this.#context.changed()
  }

  silent(session: SessionId, silent: boolean): void {
    this.#stepMembers({ type: 'silent', session, silent })
  }

  cameRelay(session: SessionId, relay: Relay): void {
    this.#stepRelay({ type: 'came', session, relay, nowMs: this.#nowMs() })
  }

  cameMembers(session: SessionId, members: Members): void {
    this.#stepMembers({ type: 'came', session, members, nowMs: this.#nowMs() })
  }

  /** Sends an own envelope to a node that is connected with others. */
  say(envelope: Envelope): void {
    this.#stepRelay({ type: 'said', envelope, nowMs: this.#nowMs() })
  }

  /** Signs the own entry anew where it is not true any more, and tells what is to be told. */
  tick(): void {
    this.#signWhenDue()
    this.#stepMembers({ type: 'tick', nowMs: this.#nowMs() })
    if (!this.#hasChanged) return
    this.#hasChanged = false
    this.#context.changed()
  }

  close(): void {
    this.#closed = true
  }

  /** Other nodes heard of recently, nearest first by what is known of connections. */
  nodes(): readonly MeshNode[] {
    const members = this.#recent()
    const hops = hopsTo([...new Set(this.#neighbours.values())], linksOfMembers(members))
    return members.map(({ nodeId, name }) => ({ nodeId, name, hops: hops.get(nodeId) }))
  }

  /** The same without their distance. */
  known(): readonly NodeId[] {
    return this.#recent().map(({ nodeId }) => nodeId)
  }

  nameOf(nodeId: NodeId): string | undefined {
    return this.#members.known.get(nodeId)?.member.name
  }

  /** With whom each node says that it is connected. */
  links(): ReadonlyMap<NodeId, ReadonlySet<NodeId>> {
    return linksOfMembers(this.#recent())
  }

  #recent(): readonly Member[] {
    return recentMembers(this.#members, this.#nowMs())
  }

  #nowMs(): number {
    return this.#context.environment.monotonicMs()
  }

  // relay

  #stepRelay(input: RelayInput): void {
    if (this.#closed) return
    const [state, effects] = stepRelay(this.#relay, input)
    this.#relay = state
    for (const effect of effects) this.#performRelay(effect)
  }

  #performRelay(effect: RelayEffect): void {
    switch (effect.type) {
      case 'check': return this.#inRelayTurn(() => this.#checkRelay(effect))
      case 'send': return this.#context.send(effect.session, effect.message)
      case 'give': return this.#context.relayed(effect.envelope)
      case 'end': return this.#context.end(effect.session, effect.reason, effect.text)
      default: return unreachable(effect)
    }
  }

  async #checkRelay({ session, relay }: Extract<RelayEffect, { type: 'check' }>): Promise<void> {
    const { crypto, swarm } = this.#context
    const { from, signature } = relay.envelope
    const holds = await crypto.verify(nodeIdToPublicKey(from), signature, envelopeSignedBytes(swarm.id, relay.envelope))
    this.#stepRelay({ type: 'checked', session, relay, holds, nowMs: this.#nowMs() })
  }

  #inRelayTurn(work: () => Promise<void>): void {
    const turn = this.#relayTurn.then(work)
    // The next turn comes all the same; `supervise` reports it.
    this.#relayTurn = turn.catch(() => undefined)
    this.#context.supervise(turn)
  }

  // members

  #stepMembers(input: MembersInput): void {
    if (this.#closed) return
    const [state, effects] = stepMembers(this.#members, input)
    this.#members = state
    for (const effect of effects) this.#performMembers(effect)
  }

  #performMembers(effect: MembersEffect): void {
    switch (effect.type) {
      case 'send': return this.#context.send(effect.session, effect.message)
      case 'check': return this.#inMembersTurn(() => this.#checkMembers(effect.session, effect.entries))
      case 'end': return this.#context.end(effect.session, effect.reason, effect.text)
      case 'changed': return void (this.#hasChanged = true)
      case 'behind': return this.#goAbove(effect.counter)
      default: return unreachable(effect)
    }
  }

  async #checkMembers(session: SessionId, entries: readonly Known[]): Promise<void> {
    const { crypto, swarm } = this.#context
    const checks = entries.map(({ member }) => crypto.verify(nodeIdToPublicKey(member.nodeId), member.signature, memberSignedBytes(swarm.id, member)))
    const holds = (await Promise.all(checks)).every((held) => held)
    this.#stepMembers({ type: 'checked', session, entries, holds, nowMs: this.#nowMs() })
  }

  /** A clock that was set back, or an older copy of this node's disk: others have a later entry. */
  #goAbove(counter: number): void {
    this.#counter = Math.max(this.#counter, counter)
    this.#signed = undefined
    this.#signWhenDue()
  }

  #signWhenDue(): void {
    const { name, identity } = this.#context
    const links = [...new Set(this.#neighbours.values())].filter((nodeId) => nodeId !== identity.nodeId).sort().slice(0, LINKS_MAX)
    const now = { name: fitText(name(), NAME_BYTES_MAX), links: links.join(), atMs: this.#nowMs() }
    const before = this.#signed
    if (before !== undefined && before.name === now.name && before.links === now.links && now.atMs - before.atMs < MEMBER_SIGNED_MS) return
    this.#signed = now
    // Rising also over restarts, without a write; where the wall clock was set back, `behind` mends it.
    this.#counter = Math.max(this.#counter + 1, Math.min(this.#context.environment.nowMicros(), Number.MAX_SAFE_INTEGER - 1_000_000))
    const unsigned = { nodeId: identity.nodeId, name: now.name, links, counter: this.#counter }
    this.#inMembersTurn(() => this.#sign(unsigned))
  }

  async #sign(unsigned: Omit<Member, 'signature'>): Promise<void> {
    const { crypto, swarm, identity } = this.#context
    const signature = await crypto.signer(identity).sign(memberSignedBytes(swarm.id, unsigned))
    this.#stepMembers({ type: 'signed', member: { ...unsigned, signature }, nowMs: this.#nowMs() })
  }

  #inMembersTurn(work: () => Promise<void>): void {
    const turn = this.#membersTurn.then(work)
    // The next turn comes all the same; `supervise` reports it.
    this.#membersTurn = turn.catch(() => undefined)
    this.#context.supervise(turn)
  }
}
