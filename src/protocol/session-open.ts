import { decodeMessage } from './codec.ts'
import { CONTROLS_PER_SECOND_MAX, HAVE_ENTRIES_PER_CONTROL, PINGS_OPEN_MAX, PING_INTERVAL_MS, RELAYS_PER_SECOND_MAX, SILENT_MS } from './limits.ts'
import type { Message, SaidPage } from './message.ts'
import { endSession, type MessageInput, type Open, type SessionEffect, type SessionStep } from './session-state.ts'

const ALLOWANCE_SECONDS = 10

/** What counts of a peer at once: ten seconds' worth of control messages, two of relays. */
export const openAllowance = (nowMs: number): Open['allowance'] =>
  ({ controls: CONTROLS_PER_SECOND_MAX * ALLOWANCE_SECONDS, relays: RELAYS_PER_SECOND_MAX * 2, atMs: nowMs })

/** @see PROTOCOL.md [R15] */
export const onOpenHeard = (state: Open, nowMs: number): SessionStep => [
  { ...state, lastHeardMs: nowMs, silent: false },
  state.silent ? [{ type: 'silent', silent: false }] : [],
]

/** @see PROTOCOL.md [R11] to [R14] */
export const onOpenMessage = (state: Open, input: MessageInput): SessionStep => {
  const decoded = decodeMessage(input.bytes)
  if (!decoded.ok) return endSession('violation', `${decoded.error.code}: ${decoded.error.text}`)
  const message = decoded.value
  const allowance = spend(state.allowance, costOf(message), input.nowMs)
  if (allowance.controls < 0) return endSession('violation', `too many messages: ${message.type}`)
  const next = { ...state, allowance }
  if (message.type === 'bye') return [{ phase: 'ended' }, [{ type: 'ended', by: 'peer', reason: message.reason, detail: '' }]]
  return state.about === undefined ? onFirst(next, message) : onLater(next, message, input)
}

/** @see PROTOCOL.md [R14] */
export const onWasted = (state: Open, nowMs: number): SessionStep => {
  const allowance = spend(state.allowance, { controls: 1, relays: 0 }, nowMs)
  return allowance.controls < 0 ? endSession('violation', 'too many messages of no use') : [{ ...state, allowance }, []]
}

const onFirst = (state: Open, message: Message): SessionStep =>
  message.type === 'about' ? [{ ...state, about: message }, [{ type: 'opened' }]] : endSession('violation', `${message.type} before about`)

const onLater = (state: Open, message: Message, input: MessageInput): SessionStep => {
  switch (message.type) {
    case 'hello': case 'proof': case 'about': case 'bye': return endSession('violation', `${message.type} again`)
    case 'ping': return prepend([{ type: 'send', message: { type: 'pong', timeMicros: input.wallMicros, page: input.page } }], heardPage({ ...state, saidPage: input.page }, message.page))
    case 'pong': return onPong(state, message, input)
    case 'relay': case 'members': case 'standby': return state.config.features.includes(message.type) ? onFeature(state, message) : endSession('violation', `${message.type} was not announced`)
    default: return [state, [{ type: 'give', message }]]
  }
}

/** Relays that are too many are lost: after a stall the ones of many seconds come at once, and that is nobody's fault. */
const onFeature = (state: Open, message: Extract<Message, { type: 'relay' | 'members' | 'standby' }>): SessionStep => {
  const { allowance } = state
  if (message.type === 'relay' && allowance.relays < 0) return [{ ...state, allowance: { ...allowance, relays: allowance.relays + 1 } }, []]
  return [state, [{ type: 'give', message }]]
}

const heardPage = (state: Open, page: SaidPage): SessionStep => [{ ...state, page }, page === state.page ? [] : [{ type: 'changed' }]]

/** Round trip, and the peer's clock against the middle of it. */
const onPong = (state: Open, message: { readonly timeMicros: number; readonly page: SaidPage }, input: MessageInput): SessionStep => {
  const [sentMs, ...pings] = state.pings
  if (sentMs === undefined) return endSession('violation', 'pong without ping')
  const roundTripMs = input.nowMs - sentMs
  const clockSkewMs = (message.timeMicros - input.wallMicros) / 1000 + roundTripMs / 2
  return [{ ...state, pings, roundTripMs, clockSkewMs, page: message.page }, [{ type: 'changed' }]]
}

/** A `ping` every two seconds and when the own page has changed, and word of a peer that is silent. @see PROTOCOL.md [R15] */
export const onOpenTick = (state: Open, { nowMs, wallMicros, page }: { readonly nowMs: number; readonly wallMicros: number; readonly page: SaidPage }): SessionStep => {
  const fellSilent = !state.silent && nowMs - state.lastHeardMs >= SILENT_MS
  const silence: readonly SessionEffect[] = fellSilent ? [{ type: 'silent', silent: true }] : []
  const next = { ...state, silent: state.silent || fellSilent }
  const isDue = nowMs - state.lastPingMs >= PING_INTERVAL_MS && state.pings.length < PINGS_OPEN_MAX
  if (!isDue && page === state.saidPage) return [next, silence]
  return [{ ...next, lastPingMs: nowMs, saidPage: page, pings: [...state.pings, nowMs] }, [...silence, { type: 'send', message: { type: 'ping', timeMicros: wallMicros, page } }]]
}

/** What a peer may say by itself. Wants are bounded by how many wait, their answers by the wants. */
const controls: ReadonlySet<Message['type']> = new Set(['have', 'relay', 'members', 'ping', 'pong', 'standby'])

interface Cost {
  readonly controls: number
  readonly relays: number
}

/** A long `have` costs more than a short one. */
const costOf = (message: Message): Cost => {
  const entries = message.type === 'have' ? message.heads.length + message.starts.length + message.forks.length : 0
  return { controls: controls.has(message.type) ? 1 + entries / HAVE_ENTRIES_PER_CONTROL : 0, relays: message.type === 'relay' ? 1 : 0 }
}

const spend = (allowance: Open['allowance'], cost: Cost, nowMs: number): Open['allowance'] => {
  const full = openAllowance(nowMs)
  const seconds = Math.max(0, nowMs - allowance.atMs) / 1000
  return {
    controls: Math.min(full.controls, allowance.controls + seconds * CONTROLS_PER_SECOND_MAX) - cost.controls,
    relays: Math.min(full.relays, allowance.relays + seconds * RELAYS_PER_SECOND_MAX) - cost.relays,
    atMs: nowMs,
  }
}

const prepend = (effects: readonly SessionEffect[], [state, more]: SessionStep): SessionStep => [state, [...effects, ...more]]
