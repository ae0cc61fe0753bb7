import { bytesToHex } from '../core/bytes.ts'
import { streamWithoutBranch, type StreamId } from '../core/ids.ts'
import { decodeHeader } from '../stream/header.ts'
import { BRANCHES_MAX, WANTS_WAITING_MAX } from './limits.ts'
import type { ForkMessage, SaidFork } from './message.ts'
import {
  chain, changePeer, changePeers, remember, reportOnce, viewOf, withEntry, without, type FoundFork, type PeerView, type PlanEffect, type PlanInput, type PlanState, type PlanStep, type SessionId, type TakeOutcome,
} from './plan-state.ts'
import { lowerTo } from './plan-views.ts'
import { goBack, hasRoom, mayAsk, streamsFull, wantFork } from './plan-wants.ts'

/** @see PROTOCOL.md [R45] */
export const hearForks = (state: PlanState, session: SessionId, forks: readonly SaidFork[]): PlanState =>
  forks.length === 0 ? state : changePeer(state, session, (peer) => ({
    knows: new Map([...peer.knows, ...named(forks)]), forks: new Map([...peer.forks, ...named(forks.filter((fork) => isNews(state, fork)))]),
  }))

const named = (forks: readonly SaidFork[]): readonly (readonly [StreamId, SaidFork])[] => forks.map((fork) => [fork.stream, fork] as const)

/**
 * Whether the proofs of a fork are to be asked for: the stream ends earlier by it than here, or it has a branch for which there is a place,
 * or the last lines before it were lost here. One that lies higher says nothing: who says it learns of the lower one, and then gives it its right name.
 */
const isNews = (state: PlanState, { stream, end, branches }: SaidFork): boolean => {
  const mine = state.forks.get(stream)
  if (mine === undefined || end < mine.end) return true
  if (end > mine.end) return false
  const last = mine.branches.length < BRANCHES_MAX ? undefined : mine.branches.at(-1)
  return isTorn(state, mine) || branches.some((branch) => !mine.branches.includes(branch) && (last === undefined || branch < last))
}

/** Whether its stream lacks the lines of the segment in which it forks, and nothing else. */
const isTorn = (state: PlanState, { stream, first, end }: SaidFork): boolean => {
  const { next } = viewOf(state, stream)
  return next < end && next === first
}

/** The own disk has changed: what a peer said of a fork may be wanted now. */
export const recallForks = (state: PlanState, stream: StreamId): PlanState => {
  const mine = state.forks.get(stream)
  if (mine === undefined || !isTorn(state, mine)) return state
  return changePeers(state, (peer) => {
    const fork = peer.knows.get(stream)
    return fork !== undefined && isNews(state, fork) ? { ...peer, forks: withEntry(peer.forks, stream, fork) } : peer
  })
}

/** Whether two say the same. */
export const sameFork = (a: SaidFork, b: SaidFork): boolean =>
  a.stream === b.stream && a.first === b.first && a.end === b.end && a.branches.join() === b.branches.join()

/** Asks for them, as many at a time as for anything else. @see PROTOCOL.md [R28] */
export const settleForks = (state: PlanState, nowMs: number): PlanStep =>
  chain([state, []], ...[...state.peers].filter(([, peer]) => peer.forks.size > 0).map(([session]) => (next: PlanState) => askForks(next, session, nowMs)))

const askForks = (state: PlanState, session: SessionId, nowMs: number): PlanStep => {
  let step: PlanStep = [state, []]
  for (const [stream, fork] of state.peers.get(session)?.forks ?? []) {
    const peer = step[0].peers.get(session)
    if (peer === undefined || !mayAsk(peer, nowMs)) break
    const asked = changePeer(step[0], session, () => ({ forks: without(peer.forks, stream) }))
    const [next, effects] = isNews(asked, fork) ? wantFork(asked, session, fork, nowMs) : ([asked, []] as PlanStep)
    step = [next, [...step[1], ...effects]]
  }
  return step
}

/** One proof of a peer is judged at a time. @see PROTOCOL.md [R47] */
export const onForkCame = (state: PlanState, session: SessionId, fork: ForkMessage): PlanStep => {
  const peer = state.peers.get(session)
  if (peer === undefined) return [state, []]
  if (peer.proofs.length >= WANTS_WAITING_MAX) return [state, [{ type: 'end', session, reason: 'violation', text: 'too many proofs at once' }]]
  const header = decodeHeader(fork.one.header)
  if (header.ok && !hasRoom(state, header.value.stream)) return streamsFull(state, header.value.stream)
  const came = changePeer(state, session, () => ({ proofs: [...peer.proofs, fork] }))
  return [came, peer.proofs.length === 0 ? [{ type: 'takeFork', session, fork }] : []]
}

const judgeNext = (state: PlanState, session: SessionId): PlanStep => {
  const next = changePeer(state, session, (peer) => ({ proofs: peer.proofs.slice(1) }))
  const fork = next.peers.get(session)?.proofs[0]
  return [next, fork === undefined ? [] : [{ type: 'takeFork', session, fork }]]
}

/**
 * Two sealed versions are at hand. They are passed on once, to who is not known to have them; who was told of more hears `lowered`; then the stream ends here.
 * @param from who sent them both @see PROTOCOL.md [R24] [R44] [R45]
 */
export const foundFork = (state: PlanState, fork: FoundFork, from?: SessionId): PlanStep => {
  const { one, other } = fork
  const key = `proof/${fork.stream}/${fork.end}/${bytesToHex(one.header.subarray(134, 166))}/${bytesToHex(other.header.subarray(134, 166))}`
  const message: ForkMessage = { type: 'fork', one, other }
  const lacking = state.reported.has(key) ? [] : [...state.peers].filter(([session, peer]) => session !== from && lacksFork(peer, fork))
  return [
    { ...state, reported: remember(state.reported, key) },
    [...lacking.map(([session]): PlanEffect => ({ type: 'send', session, message })), ...lowerTo(state, fork.stream, fork.end), { type: 'settleFork', fork }],
  ]
}

const lacksFork = ({ heads, shown, knows }: PeerView, { stream, end }: FoundFork): boolean =>
  (heads.has(stream) || shown.has(stream)) && !((knows.get(stream)?.end ?? Infinity) <= end)

type Settled = Extract<PlanInput, { readonly type: 'forkSettled' }>

export const onForkSettled = (state: PlanState, { stream, streams, forks }: Settled): PlanStep => {
  const base = streamWithoutBranch(stream)
  const before = [...state.forks.values()].filter((fork) => streamWithoutBranch(fork.stream) === base)
  const others = [...state.forks].filter(([name]) => streamWithoutBranch(name) !== base)
  // What lies below a new fork gets another name by it.
  const found = forks.filter((fork) => !before.some((known) => known.end === fork.end && known.branches.some((branch) => fork.branches.includes(branch))))
  const displaced = before.flatMap((known) => {
    const now = forks.find((fork) => fork.stream === known.stream && fork.end === known.end)
    return now?.branches.length === BRANCHES_MAX ? known.branches.filter((branch) => !now.branches.includes(branch)).map((branch) => [known.stream, branch] as const) : []
  })
  return [{ ...state, forks: before.length === forks.length && forks.every((fork) => before.some((known) => sameFork(known, fork))) ? state.forks : new Map([...others, ...named(forks)]) }, [
    ...found.map(({ stream: about, end, branches }): PlanEffect => ({ type: 'notice', code: 'STREAM-FORKED', about, text: `it ends at offset ${end}, where versions of it differ; they go on as its branches ${branches.join(', ')}` })),
    ...displaced.map(([about, branch]): PlanEffect => ({ type: 'notice', code: 'BRANCH-DISPLACED', about, text: `its branch ${branch} gives way to one with a smaller name and is set aside: ${BRANCHES_MAX} of one fork are kept` })),
    ...streams.map((each): PlanEffect => ({ type: 'stored', stream: each })),
  ]]
}

/** A further version of a stream came, and has no place here. */
export const crowded = (state: PlanState, stream: StreamId): PlanStep =>
  reportOnce(state, `crowded/${stream}`, { code: 'BRANCH-DISPLACED', about: stream, text: `a further version of it is not taken: ${BRANCHES_MAX} of one fork are kept` })

/** A `fork` message was judged. */
export const onForkTaken = (state: PlanState, session: SessionId, stream: StreamId | undefined, outcome: TakeOutcome): PlanStep =>
  chain(judgeNext(state, session), (next) => onForkOutcome(next, session, stream, outcome))

const onForkOutcome = (state: PlanState, session: SessionId, stream: StreamId | undefined, outcome: TakeOutcome): PlanStep => {
  switch (outcome.type) {
    case 'forked': return foundFork(state, outcome.fork, session)
    case 'conflict': return stream === undefined ? [state, []] : goBack(state, session, stream, viewOf(state, stream).first)
    case 'bad': return [state, [{ type: 'end', session, reason: 'segment', text: `fork of ${stream ?? 'no stream'}: ${outcome.text}` }]]
    case 'mine': return [state, [{ type: 'identityLost' }]]
    case 'crowded': return stream === undefined ? [state, []] : crowded(state, stream)
    case 'full': case 'failed': return reportOnce(state, `fork/${stream ?? ''}`, { code: 'FORK-NOT-KEPT', about: stream, text: outcome.text })
    default: return [state, []]
  }
}
