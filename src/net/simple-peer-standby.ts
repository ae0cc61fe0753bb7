import { decodeSignal, encodeSignal } from './simple-peer-signal.ts'
import { NetError } from './transport.ts'
import type { Timers } from './timers.ts'
import type { Attempt, AttemptHandlers, StandbyCall, StandbyConnector, StandbyHandlers, StandbyListener } from './transport.ts'

/** An end of a connection that waits without end unless `limit` is called. */
type Begin = (dialled: boolean, handlers: AttemptHandlers, config: StandbyConfig) => Attempt & { readonly limit: () => void }

/** What a standby needs beyond an attempt. */
export interface StandbyConfig {
  readonly certificates?: RTCCertificate[]
  /** Changes the own description before the browser is given it. */
  readonly sdpTransform?: (sdp: string) => string
  /** No candidate follows. */
  readonly gathered?: () => void
}

/** Standbys over simple-peer: the caller holds its `signal` back. Returning rests on writing ICE user fragment and password into the own description, which a browser may refuse. */
export const createSimplePeerStandbys = (begin: Begin, timers: Timers): StandbyConnector => ({
  call: (keys) => callAgain(begin, keys),
  listen: (offer, handlers) => listenTo(begin, timers, offer, handlers),
  returnAllowed: async () => {
    try {
      const scratch = await callAgain(begin, { certificate: await newCertificate(), ufrag: 'mill', pwd: 'millpondmillpondmillpond' })
      scratch.close()
      return true
    } catch (error) {
      // That is the answer; whatever else is wrong with connections shows when one is made.
      if (error instanceof NetError) return false
      throw error
    }
  },
})

/** A STUN server that does not answer delays the end of gathering by 40 s. */
const gatherMs = 2000

/** What makes a call again. The private key of a stored certificate lies readable in the browser's profile. */
interface Keys {
  readonly certificate: RTCCertificate
  readonly ufrag: string
  readonly pwd: string
}

const newCertificate = (): Promise<RTCCertificate> => RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' } as EcKeyGenParams)

const callAgain = async (begin: Begin, kept: unknown): Promise<StandbyCall> => {
  const keys = kept === undefined ? undefined : readKeys(kept)
  const certificate = keys?.certificate ?? (await newCertificate())
  return new Promise((resolve, reject) => {
    let failure: string | undefined
    let handlers: StandbyHandlers | undefined
    const end = begin(true, {
      signal: (data) => {
        const signal = decodeSignal(data)
        // The candidates that follow stay here: the listener would begin to check, and give up.
        const offer = signal?.type === 'offer' ? encodeSignal({ ...signal, sdp: withoutCandidates(signal.sdp) }) : undefined
        if (signal?.type === 'offer' && offer !== undefined) resolve(callOf(offer, credentialsOf(signal.sdp)))
      },
      opened: (transport) => handlers?.opened(transport),
      failed: (reason) => {
        failure = reason
        reject(new NetError('NET-FAILED', `no call could be made: ${reason}`))
        handlers?.failed(reason)
      },
    }, { certificates: [certificate], ...(keys && { sdpTransform: (sdp: string) => withCredentials(sdp, keys) }) })
    const callOf = (offer: Uint8Array, credentials: Omit<Keys, 'certificate'>): StandbyCall => ({
      offer,
      keys: { certificate, ...credentials } satisfies Keys,
      expiresMicros: certificate.expires * 1000,
      apply: (answer, given) => {
        if (failure !== undefined) return given.failed(failure)
        handlers = given
        end.limit()
        end.signal(answer)
      },
      close: () => end.cancel(),
    })
  })
}

const listenTo = (begin: Begin, timers: Timers, offer: Uint8Array, handlers: StandbyHandlers): Promise<StandbyListener> =>
  new Promise((resolve, reject) => {
    // Anything else would never be answered, and its connection never be given back.
    if (decodeSignal(offer)?.type !== 'offer') return reject(new NetError('NET-FAILED', 'not an offer'))
    let sdp: string | undefined
    let answered = false
    let isGathered = false
    const candidates: string[] = []
    const end = begin(false, {
      signal: (data) => {
        const signal = decodeSignal(data)
        if (signal?.type === 'candidate') candidates.push(signal.candidate.candidate)
        else if (signal !== undefined) sdp = signal.sdp
        answer()
      },
      opened: (transport) => handlers.opened(transport),
      failed: (reason) => {
        if (answered) return handlers.failed(reason)
        cancel()
        reject(new NetError('NET-FAILED', `the offer could not be answered: ${reason}`))
      },
    }, { gathered: () => gathered() })
    const gathered = () => {
      isGathered = true
      answer()
    }
    const cancel = timers.after(gatherMs, gathered)
    const answer = () => {
      if (answered || !isGathered || sdp === undefined) return
      answered = true
      cancel()
      const usable = candidates.filter((line) => / udp /i.test(line))
      resolve({ answer: fittedAnswer(withoutCandidates(sdp), usable), addresses: usable.map(addressOf), close: () => end.cancel() })
    }
    end.signal(offer)
  })

/** With as many candidates as there is room for, first ones first. */
const fittedAnswer = (sdp: string, candidates: readonly string[]): Uint8Array => {
  const signal = { type: 'answer', sdp: sdp + candidates.map((line) => `a=${line}\r\n`).join('') } as const
  const bytes = encodeSignal(signal)
  if (bytes !== undefined || candidates.length === 0) return bytes ?? new Uint8Array()
  return fittedAnswer(sdp, candidates.slice(0, -1))
}

/** The fifth word of `candidate:<foundation> <component> udp <priority> <address> <port> …`. */
const addressOf = (candidate: string): string => candidate.split(' ')[4] ?? ''

const withoutCandidates = (sdp: string): string => sdp.replace(/^a=(?:candidate|end-of-candidates).*\r\n/gm, '')

const withCredentials = (sdp: string, { ufrag, pwd }: Keys): string => sdp.replace(/^a=ice-ufrag:.*$/gm, `a=ice-ufrag:${ufrag}`).replace(/^a=ice-pwd:.*$/gm, `a=ice-pwd:${pwd}`)

const credentialsOf = (sdp: string): Pick<Keys, 'ufrag' | 'pwd'> =>
  ({ ufrag: /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1] ?? '', pwd: /^a=ice-pwd:(\S+)/m.exec(sdp)?.[1] ?? '' })

const readKeys = (value: unknown): Keys => {
  const { certificate, ufrag, pwd } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Record<keyof Keys, unknown>>
  const isWhole = certificate instanceof RTCCertificate && typeof ufrag === 'string' && typeof pwd === 'string' && /^[\w+/]{4,256}$/.test(ufrag) && /^[\w+/]{22,256}$/.test(pwd)
  if (!isWhole) throw new NetError('NET-FAILED', 'these are no keys of a standby')
  return { certificate, ufrag, pwd }
}
