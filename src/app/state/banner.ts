import { isNearlyFull, type NodeStatus } from '../../index.ts'
import type { Key, Values } from '../i18n/words.svelte.ts'
import type { Entry } from './entry.ts'
import { isCutOff, type Reunion } from './reunion.ts'
import { entriesNotHere, leftBytes } from './safety.ts'
import { clockAheadMs, SKEW_MAX_MS } from './tablets.ts'

/** The one banner that is shown, as keys of texts. `time` and `by` are still numbers, for the words to turn into text. */
export interface Banner {
  readonly kind: 'fail' | 'full' | 'clock' | 'cut' | 'back' | 'update'
  readonly title: Key
  readonly more: Key
  readonly action: Key
  readonly values: Values
  readonly timeMicros?: number
  readonly byMs?: number
  readonly bytes?: number
}

export interface BannerFacts {
  readonly status: NodeStatus
  readonly failed: readonly Entry[]
  readonly reunion: Reunion | undefined
  readonly updateReady: boolean
  readonly nowMicros: number
}

/** The most serious thing to say; `undefined`: all is as it should be. */
export const bannerOf = ({ status, failed, reunion, updateReady, nowMicros }: BannerFacts): Banner | undefined => {
  const entry = failed[0]
  if (entry !== undefined) return failBanner('banner.fail', entry.code)
  if (status.storeFailure !== undefined) return failBanner('banner.store', status.storeFailure.code)
  if (isNearlyFull(status.storage)) {
    return { kind: 'full', title: 'banner.full', more: 'banner.full.more', action: 'banner.fail.key', values: { n: entriesNotHere(status) }, bytes: leftBytes(status) ?? 0 }
  }
  const ahead = clockAheadMs(status)
  if (ahead !== undefined && Math.abs(ahead) > SKEW_MAX_MS) {
    const title = ahead > 0 ? 'banner.clock.ahead' : 'banner.clock.behind'
    return { kind: 'clock', title, more: 'banner.clock.more', action: 'banner.clock.key', values: {}, byMs: Math.abs(ahead) }
  }
  if (isCutOff(status.cutOffSinceMicros, nowMicros)) {
    return { kind: 'cut', title: 'banner.cut', more: 'banner.cut.more', action: 'banner.cut.key', values: {}, timeMicros: status.cutOffSinceMicros }
  }
  if (reunion !== undefined) {
    const values = { n: reunion.entries, m: reunion.changed.size }
    return { kind: 'back', title: 'banner.back', more: 'banner.back.more', action: 'banner.back.key', values, timeMicros: reunion.sinceMicros }
  }
  return updateReady ? { kind: 'update', title: 'banner.update', more: 'banner.update.more', action: 'banner.update.key', values: {} } : undefined
}

const failBanner = (title: 'banner.fail' | 'banner.store', code: string): Banner => {
  const isQuota = code === 'STORE-QUOTA'
  const more = title === 'banner.fail' ? (isQuota ? 'banner.fail.quota' : 'banner.fail.other') : isQuota ? 'banner.store.quota' : 'banner.store.other'
  return { kind: 'fail', title, more, action: 'banner.fail.key', values: { code } }
}
