import { bytesToHex, concatBytes, equalBytes } from '../core/bytes.ts'
import { streamIdToNodeId, type StreamId } from '../core/ids.ts'
import { decodeHeader, type Header } from '../stream/header.ts'
import { BODY_BYTES_MAX, INTAKE_BYTES_MAX, PIECE_BYTES, REPORTED_MAX, UNHELD_PUSHED_MAX } from './limits.ts'
import type { SegmentMessage } from './message.ts'
import { crowded, foundFork } from './plan-forks.ts'
import {
  chain, changePeer, reportOnce, withEntry, withItem, without, type Intake, type OpenWant, type PlanEffect, type PeerView, type PlanState, type PlanStep, type SessionId, type TakenPiece, type TakeOutcome,
} from './plan-state.ts'
import { passOn } from './plan-push.ts'
import { setView } from './plan-views.ts'
import { goBack } from './plan-wants.ts'

const emptyIntake: Intake = { running: undefined, waiting: [], single: 0 }

/** A piece came: an answer to a want, or pushed. Answers to wants given up are dropped. @see PROTOCOL.md [R27] [R31] */
export const onCame = (state: PlanState, session: SessionId, segment: SegmentMessage): PlanStep => {
  const peer = state.peers.get(session)
  if (peer === undefined) return [state, []]
  const piece: TakenPiece = { session, want: segment.want, segment, parts: [] }
  if (segment.want === 0) return onPushed(state, peer, piece)
  const want = peer.open.get(segment.want)
  if (want === undefined) return segment.want < peer.nextWant ? [state, []] : [state, [violation(session, 'an answer to no want')]]
  if (want.stream !== segment.stream || want.ended !== undefined || want.target.type === 'fork') return [state, [violation(session, 'not what was wanted')]]
  if (want.bytes > WANT_BYTES_MAX) return [state, [violation(session, 'more than was wanted')]]
  const heard: OpenWant = { ...want, bytes: want.bytes + segment.body.length + WANTED_PIECE_BYTES }
  return [enqueue(changePeer(state, session, () => ({ open: withEntry(peer.open, segment.want, heard) })), piece), []]
}

/** The budget may be overdrawn by one piece; one more is allowed for, since the sender counts bodies alone. */
const WANT_BYTES_MAX = 512 * 1024 + 2 * BODY_BYTES_MAX
/** So that the number of pieces has a bound; 64 KiB of lines that are all alike make a body of 80 bytes. */
const WANTED_PIECE_BYTES = 32

const violation = (session: SessionId, text: string): PlanEffect => ({ type: 'end', session, reason: 'violation', text })

/** A push shows what its sender has. It is taken when there is room; else it is asked for when its turn comes. @see PROTOCOL.md [R35] */
const onPushed = (state: PlanState, peer: PeerView, piece: TakenPiece): PlanStep => {
  const { stream } = piece.segment
  const unheld = peer.unheld + (peer.shown.has(stream) || state.views.has(stream) ? 0 : 1)
  if (unheld > UNHELD_PUSHED_MAX) return [state, [violation(piece.session, 'too many streams')]]
  const header = headerOf(piece)
  const end = header === undefined ? 0 : header.first + header.events
  const shown = changePeer(state, piece.session, () => ({ unheld, shown: withEntry(peer.shown, stream, Math.max(end, peer.shown.get(stream) ?? 0)) }))
  const lacking = { ...shown, lacking: withItem(shown.lacking, stream) }
  // While pieces of a stream wait it is not asked for: only its owner may keep it so.
  const mayWait = peer.nodeId === streamIdToNodeId(stream) || !state.intake.has(stream)
  return mayWait && pushedBytes(state, piece.session) <= INTAKE_BYTES_MAX ? [enqueue(lacking, piece), []] : [lacking, []]
}

/** What waits of all that a peer has pushed. */
const pushedBytes = (state: PlanState, session: SessionId): number => {
  let bytes = 0
  for (const { running, waiting } of state.intake.values()) {
    for (const piece of running === undefined ? waiting : [running, ...waiting]) {
      if (piece.want === 0 && piece.session === session) bytes += piece.segment.body.length + PIECE_BYTES
    }
  }
  return bytes
}

const enqueue = (state: PlanState, piece: TakenPiece): PlanState => {
  const { stream } = piece.segment
  const intake = state.intake.get(stream) ?? emptyIntake
  return { ...state, intake: withEntry(state.intake, stream, { ...intake, waiting: [...intake.waiting, piece] }) }
}

/** Begins with the next piece of each stream that has none in flight. */
export const settleIntake = (state: PlanState): PlanStep => {
  let next = state
  const effects: PlanEffect[] = []
  for (const [stream, intake] of state.intake) {
    if (intake.running !== undefined) continue
    const step = startNext(next, stream, intake)
    next = step[0]
    effects.push(...step[1])
  }
  return [next, effects]
}

const startNext = (state: PlanState, stream: StreamId, intake: Intake): PlanStep => {
  let { waiting, single } = intake
  while (waiting.length > 0) {
    const count = single > 0 ? 1 : joinableCount(waiting)
    const running = joined(waiting.slice(0, count))
    waiting = waiting.slice(count)
    single = Math.max(0, single - 1)
    if (running === undefined || state.refused.get(stream) === bytesToHex(running.segment.header)) continue
    return [{ ...state, intake: withEntry(state.intake, stream, { running, waiting, single }) }, [{ type: 'take', piece: running }]]
  }
  return [{ ...state, intake: without(state.intake, stream) }, []]
}

const headerOf = ({ segment }: TakenPiece): Header | undefined => {
  const decoded = decodeHeader(segment.header)
  return decoded.ok ? decoded.value : undefined
}

/** How many pushes at the front grow one open segment without a gap: the newest seal covers them all. @see PROTOCOL.md [R34] */
const joinableCount = (waiting: readonly TakenPiece[]): number => {
  const first = waiting[0] && headerOf(waiting[0])
  if (first === undefined || first.closed || waiting[0]?.want !== 0) return 1
  let [count, end] = [1, first.first + first.events]
  for (const piece of waiting.slice(1)) {
    const header = headerOf(piece)
    const continues = header !== undefined && piece.want === 0 && !header.closed && header.first === first.first && equalBytes(header.previous, first.previous)
    if (!continues || piece.segment.from !== end) break
    end = header.first + header.events
    count++
  }
  return count
}

const joined = (parts: readonly TakenPiece[]): TakenPiece | undefined => {
  const [first, last] = [parts[0], parts.at(-1)]
  if (first === undefined || last === undefined || parts.length === 1) return first
  const segment: SegmentMessage = { ...last.segment, from: first.segment.from, body: concatBytes(parts.map((part) => part.segment.body)) }
  return { session: last.session, want: 0, segment, parts }
}

/** A piece was verified and, where it was good, stored. @see PROTOCOL.md [R26] to [R32] */
export const onTaken = (state: PlanState, piece: TakenPiece, outcome: TakeOutcome, nowMs: number): PlanStep => {
  const { stream } = piece.segment
  const intake = state.intake.get(stream) ?? emptyIntake
  const isFailed = outcome.type === 'part' || outcome.type === 'bad' || outcome.type === 'refused' || outcome.type === 'conflict'
  const again = isFailed && piece.parts.length > 0
  const waiting = again ? [...piece.parts, ...intake.waiting] : intake.waiting
  const single = again ? piece.parts.length : intake.single
  const idle = { ...state, intake: withEntry(state.intake, stream, { running: undefined, waiting, single }) }
  return again ? [idle, []] : onOutcome(idle, piece, outcome, nowMs)
}

const onOutcome = (state: PlanState, { session, segment, want }: TakenPiece, outcome: TakeOutcome, nowMs: number): PlanStep => {
  const { stream } = segment
  switch (outcome.type) {
    case 'stored': return chain(
      [{ ...nowHeld(progressed(state, session, want, nowMs), session, stream), refused: without(state.refused, stream), fullUntilMs: -Infinity, reported: forgetFull(state.reported) }, [{ type: 'stored', stream }]],
      (next) => setView(next, stream, outcome.view),
      (next) => [want === 0 ? passOn(next, stream, state, session) : next, []],
    )
    case 'known': case 'beyond': return [state, []]
    case 'part': return [changePeer({ ...state, lacking: withItem(state.lacking, stream) }, session, (peer) => ({ whole: withItem(peer.whole, stream) })), []]
    case 'conflict': return state.peers.get(session)?.back.has(stream) === true ? [state, []] : goBack(state, session, stream, firstOf(segment))
    case 'bad': return [state, [{ type: 'end', session, reason: 'segment', text: `${stream}: ${outcome.text}` }]]
    case 'refused': return refuse(state, stream, segment, outcome.text)
    case 'newer': return reportOnce(state, `newer/${stream}`, { code: 'STREAM-NEWER', about: stream, text: 'made by a newer version of the program; not stored here' })
    case 'crowded': return crowded(state, stream)
    case 'full': return reportOnce({ ...state, fullUntilMs: nowMs + FULL_MS }, `${FULL}${outcome.code}`, { code: outcome.code, about: stream, text: outcome.text })
    case 'failed': return [state, [{ type: 'notice', code: 'STORE-FAILED', about: stream, text: outcome.text }]]
    case 'mine': return [state, [{ type: 'identityLost' }]]
    case 'forked': return foundFork(state, outcome.fork)
    case 'shorter': return [state, [{ type: 'send', session, message: outcome.proof }]]
  }
}

/** Only what is stored is progress: who sends other things would hold the stream up. */
const progressed = (state: PlanState, session: SessionId, id: number, nowMs: number): PlanState =>
  changePeer(state, session, ({ open }) => {
    const want = open.get(id)
    return want === undefined ? {} : { open: withEntry(open, id, { ...want, progressMs: nowMs }) }
  })

/** The first piece of a stream that its sender has shown. */
const nowHeld = (state: PlanState, session: SessionId, stream: StreamId): PlanState =>
  state.views.has(stream) ? state : changePeer(state, session, ({ shown, unheld }) => ({ unheld: shown.has(stream) ? Math.max(0, unheld - 1) : unheld }))

/** Without room nothing is asked for so long. */
const FULL_MS = 60_000
const FULL = 'full/'

const forgetFull = (reported: ReadonlySet<string>): ReadonlySet<string> => new Set([...reported].filter((key) => !key.startsWith(FULL)))

const firstOf = (segment: SegmentMessage): number => {
  const decoded = decodeHeader(segment.header)
  return decoded.ok ? decoded.value.first : 0
}

const refuse = (state: PlanState, stream: StreamId, segment: SegmentMessage, text: string): PlanStep => {
  const header = bytesToHex(segment.header)
  const newest = [...without(state.refused, stream), [stream, header] as const].slice(-REPORTED_MAX)
  return reportOnce({ ...state, refused: new Map(newest) }, `refused/${header}`, { code: 'SEGMENT-REFUSED', about: stream, text })
}
