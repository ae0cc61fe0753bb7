import { equalBytes } from '../core/bytes.ts'
import { decodeMessage, encodeMessage } from './codec.ts'
import { HANDSHAKE_BYTES_MAX, HANDSHAKE_MS_MAX, HELD_BYTES_MAX, PIECE_BYTES } from './limits.ts'
import { PROTOCOL_VERSION, type Hello, type Proof } from './message.ts'
import { otherRole, transcriptBytes } from './proof.ts'
import { onOpenMessage, openAllowance } from './session-open.ts'
import { endSession, type Greeting, type HeardHello, type Judging, type MessageInput, type Open, type Proving, type SessionConfig, type SessionEffect, type SessionStep } from './session-state.ts'

const ownHello = (config: SessionConfig): Hello => ({
  type: 'hello', versions: [PROTOCOL_VERSION], features: config.features, swarm: config.swarm, nodeId: config.nodeId, nonce: config.nonce,
  ...(config.formers && { formers: config.formers }),
})

/** Says hello. @see PROTOCOL.md [R6] */
export const begin = (state: Greeting | Proving | Judging): SessionStep => [state, [{ type: 'send', message: ownHello(state.config) }]]

/** @see PROTOCOL.md [R9] */
export const onHandshakeTick = (state: Greeting | Proving | Judging, nowMs: number): SessionStep =>
  nowMs - state.beganMs >= HANDSHAKE_MS_MAX ? endSession('timeout') : [state, []]

/** Bounds first: nothing is decoded of what is too much. @see PROTOCOL.md [R8] */
export const onHandshakeMessage = (state: Greeting | Proving | Judging, input: MessageInput): SessionStep => {
  const isChecking = state.phase === 'judging' || (state.phase === 'proving' && state.check !== 'awaited')
  const bytes = state.bytes + input.bytes.length + (isChecking ? PIECE_BYTES : 0)
  if (isChecking) return bytes > HELD_BYTES_MAX + HANDSHAKE_BYTES_MAX ? endSession('violation', 'too much before the proof') : [{ ...state, bytes, held: [...state.held, input] }, []]
  if (bytes > HANDSHAKE_BYTES_MAX) return endSession('violation', 'too much before the proof')
  const decoded = decodeMessage(input.bytes)
  if (!decoded.ok) return endSession('violation', decoded.error.text)
  const message = decoded.value
  if (message.type === 'bye') return [{ phase: 'ended' }, [{ type: 'ended', by: 'peer', reason: message.reason, detail: '' }]]
  if (state.phase === 'greeting' && message.type === 'hello') return onHello({ ...state, bytes }, { hello: message, bytes: input.bytes })
  if (state.phase === 'proving' && message.type === 'proof') return onProof({ ...state, bytes }, message)
  return endSession('violation', `${message.type} while ${state.phase}`)
}

/** @see PROTOCOL.md [R6] */
const onHello = (state: Greeting, peer: HeardHello): SessionStep => {
  if (!peer.hello.versions.includes(PROTOCOL_VERSION)) return endSession('version', peer.hello.versions.join())
  if (peer.hello.swarm !== state.config.swarm) return endSession('swarm', peer.hello.swarm)
  const proving: Proving = { ...state, phase: 'proving', peer, proved: false, check: 'awaited', held: [] }
  return [proving, [{ type: 'prove', role: state.config.role, transcript: transcriptOf(proving) }]]
}

const transcriptOf = ({ config, peer }: Proving): Uint8Array => {
  const own = { hello: encodeMessage(ownHello(config)), fingerprint: config.fingerprints.own }
  const other = { hello: peer.bytes, fingerprint: config.fingerprints.peer }
  const [d, a] = config.role === 'd' ? [own, other] : [other, own]
  return transcriptBytes({ hello: { d: d.hello, a: a.hello }, fingerprint: { d: d.fingerprint, a: a.fingerprint } })
}

const onProof = (state: Proving, { signature, mac }: Proof): SessionStep => [
  { ...state, check: 'running' },
  [{ type: 'check', role: otherRole(state.config.role), nodeId: state.peer.hello.nodeId, transcript: transcriptOf(state), signature, mac }],
]

export const onProved = (state: Greeting | Proving | Judging, { signature, mac, nowMs }: { readonly signature: Uint8Array; readonly mac: Uint8Array; readonly nowMs: number }): SessionStep =>
  state.phase === 'proving' ? prepend([{ type: 'send', message: { type: 'proof', signature, mac } }], openWhenProven({ ...state, proved: true }, nowMs)) : [state, []]

/** @see PROTOCOL.md [R7] */
export const onChecked = (state: Greeting | Proving | Judging, { holds, nowMs }: { readonly holds: boolean; readonly nowMs: number }): SessionStep =>
  state.phase !== 'proving' ? [state, []] : holds ? openWhenProven({ ...state, check: 'held' }, nowMs) : endSession('proof')

const openWhenProven = (state: Proving, nowMs: number): SessionStep => {
  if (!state.proved || state.check !== 'held') return [state, []]
  const { config, peer } = state
  if (peer.hello.nodeId === config.nodeId) {
    return [{ ...state, phase: 'judging' }, [{ type: 'judgeTwin', introductionId: peer.hello.nonce.slice(0, 16) }]]
  }
  const open: Open = {
    phase: 'open', config, peer, about: undefined, page: 'visible', lastHeardMs: nowMs, silent: false,
    pings: [], lastPingMs: nowMs, saidPage: 'visible', roundTripMs: undefined, clockSkewMs: undefined, allowance: openAllowance(nowMs),
  }
  return replay([open, [{ type: 'send', message: { type: 'about', ...config.about } }]], state.held)
}

/** Takes what was held while the proof was checked. */
const replay = (step: SessionStep, held: readonly MessageInput[]): SessionStep =>
  held.reduce<SessionStep>(([state, effects], input) => (state.phase === 'open' ? prepend(effects, onOpenMessage(state, input)) : [state, effects]), step)

const prepend = (effects: readonly SessionEffect[], [state, more]: SessionStep): SessionStep => [state, [...effects, ...more]]

/** The own node id, proven, at the other end. @see PROTOCOL.md [R10] */
export const onTwinJudged = (state: Greeting | Proving | Judging, ownPage: boolean): SessionStep => {
  if (state.phase !== 'judging') return [state, []]
  if (ownPage || equalBytes(state.peer.hello.nonce.subarray(0, 16), state.config.nonce.subarray(0, 16))) return endSession('self')
  return prepend([{ type: 'twin' }], endSession('twin'))
}
