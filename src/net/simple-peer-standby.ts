import { decodeSignal, encodeSignal } from './simple-peer-signal.ts'
import { Patience, type Waiting } from './simple-peer-patience.ts'
import { NetError } from './transport.ts'
import type { Timers } from './timers.ts'
import type { Attempt, AttemptHandlers, StandbyCall, StandbyConnector, StandbyHandlers, StandbyListener } from './transport.ts'

/** An end of a connection that waits without end unless `limit` is called. */
type Begin = (dialled: boolean, handlers: AttemptHandlers, config: StandbyConfig) => StandbyEnd

interface StandbyEnd extends Attempt {
  readonly limit: () => void
  readonly suppose: Waiting['suppose']
}

/** What a standby needs beyond an attempt. */
export interface StandbyConfig {
  readonly certificates?: RTCCertificate[]
  /** Changes the own description before the browser is given it. */
  readonly sdpTransform?: (sdp: string) => string
  /** No candidate follows. */
  readonly gathered?: () => void
}

/** Standbys over simple-peer: the caller holds its `signal` back. Returning rests on writing ICE user fragment and password into the own description, which a browser may refuse. */
export const createSimplePeerStandbys = (begin: Begin, timers: Timers): StandbyConnector => {
  const lasting = createLasting()
  const patience = new Patience(async (gaveUp) => {
    const call = await callAgain(begin, undefined)
    const listener = await listenTo(begin, timers, call.offer, { opened: () => undefined, failed: gaveUp }, () => () => undefined)
    lasting(listener.addresses)
    return () => {
      call.close()
      listener.close()
    }
  }, timers)
  return {
    call: (keys) => callAgain(begin, keys),
    listen: async (offer, handlers) => {
      await patience.watched()
      const listener = await listenTo(begin, timers, offer, handlers, (waiting) => patience.keep(waiting))
      return { ...listener, addresses: lasting(listener.addresses) }
    },
    returnAllowed: async () => {
      // Begun here because it takes a while; the first listener tells what was wrong with it.
      patience.watched().catch(() => undefined)
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
  }
}

/** Of the addresses of listeners, one after the other, those that a later one would have too. Firefox makes up a new `.local` name for each connection, Chromium one for the page. */
const createLasting = () => {
  let before: readonly string[] = []
  let areNamesKept = false
  return (addresses: readonly string[]): readonly string[] => {
    areNamesKept ||= addresses.some((each) => isName(each) && before.includes(each))
    before = addresses
    return areNamesKept ? addresses : addresses.filter((each) => !isName(each))
  }
}

const isName = (address: string): boolean => address.endsWith('.local')

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

const listenTo = (begin: Begin, timers: Timers, offer: Uint8Array, handlers: StandbyHandlers, keep: (waiting: Waiting) => () => void): Promise<StandbyListener> =>
  new Promise((resolve, reject) => {
    // Anything else would never be answered, and its connection never be given back.
    if (decodeSignal(offer)?.type !== 'offer') return reject(new NetError('NET-FAILED', 'not an offer'))
    let sdp: string | undefined
    let letGo: (() => void) | undefined
    let isGathered = false
    const candidates: string[] = []
    const end = begin(false, {
      signal: (data) => {
        const signal = decodeSignal(data)
        if (signal?.type === 'candidate') candidates.push(signal.candidate.candidate)
        else if (signal !== undefined) sdp = signal.sdp
        answer()
      },
      opened: (transport) => {
        letGo?.()
        handlers.opened(transport)
      },
      failed: (reason) => {
        letGo?.()
        if (letGo !== undefined) return handlers.failed(reason)
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
      if (letGo !== undefined || !isGathered || sdp === undefined) return
      cancel()
      const usable = candidates.filter((line) => / udp /i.test(line))
      const addresses = usable.map(addressOf)
      const close = () => {
        letGo?.()
        end.cancel()
      }
      const expired = () => {
        close()
        handlers.failed('expired')
      }
      letGo = keep({ suppose: (candidate) => end.suppose(candidate), expired })
      resolve({ answer: fittedAnswer(withoutCandidates(sdp), usable), addresses, close })
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
