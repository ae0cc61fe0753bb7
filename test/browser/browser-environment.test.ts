import { expect, test } from 'vitest'
import { createBrowserEnvironment } from '../../src/node/browser-environment.ts'

const environment = createBrowserEnvironment()
let count = 0
const newName = () => `test-${performance.timeOrigin}-${count++}`

test('[G8] a lock is held by one, then by the next', async () => {
  const name = newName()
  const order: string[] = []
  const first = await environment.locks.hold(name, { lost: () => order.push('lost') })
  const second = environment.locks.hold(name, { lost: () => {} }).then((lock) => {
    order.push('second')
    return lock
  })
  order.push('released')
  first.release()
  first.release()
  ;(await second).release()
  expect(order).toEqual(['released', 'second'])
})

test('[G8] a stolen lock tells its holder; one that was released is not lost', async () => {
  const name = newName()
  let lost = 0
  const first = await environment.locks.hold(name, { lost: () => lost++ })
  const thief = await environment.locks.hold(name, { steal: true, lost: () => expect.unreachable() })
  await expect.poll(() => lost).toBe(1)
  first.release()
  thief.release()
  const third = await environment.locks.hold(name, { lost: () => expect.unreachable() })
  third.release()
  const fourth = await environment.locks.hold(name, { steal: true, lost: () => expect.unreachable() })
  fourth.release()
  expect(lost).toBe(1)
})

test('[G8] a wait that is given up rejects with AbortError and takes nothing', async () => {
  const name = newName()
  const first = await environment.locks.hold(name, { lost: () => {} })
  const giveUp = new AbortController()
  const waiting = environment.locks.hold(name, { signal: giveUp.signal, lost: () => {} })
  giveUp.abort()
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
  first.release()
  const next = await environment.locks.hold(name, { lost: () => {} })
  next.release()
})

test('[G8] a channel reaches the others of its name, not itself, and nobody after closing', async () => {
  const name = newName()
  const [one, two, other] = [environment.channel(name), environment.channel(name), environment.channel(newName())]
  const heard: unknown[] = []
  one.listen((message) => heard.push(['one', message]))
  two.listen((message) => heard.push(['two', message]))
  other.listen((message) => heard.push(['other', message]))
  one.post({ value: 1 })
  await expect.poll(() => heard).toEqual([['two', { value: 1 }]])
  one.close()
  one.post({ value: 2 })
  two.post({ value: 3 })
  const third = environment.channel(name)
  third.post('last')
  await expect.poll(() => heard.length).toBe(2)
  expect(heard[1]).toEqual(['two', 'last'])
  two.close()
  third.close()
  other.close()
})

test('[G8] a channel is closed while the page is kept in the back/forward cache', async () => {
  const name = newName()
  const kept = environment.channel(name)
  const awake = new BroadcastChannel(name)
  const heard: unknown[] = []
  kept.listen((message) => heard.push(message))
  dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))
  awake.postMessage('missed')
  dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))
  awake.postMessage('heard')
  await expect.poll(() => heard).toEqual(['heard'])
  const back: unknown[] = []
  awake.addEventListener('message', ({ data }) => back.push(data))
  kept.post('back')
  await expect.poll(() => back).toEqual(['back'])
  kept.close()
  awake.close()
})

test('[G1] the page says how it is, and what becomes of it', () => {
  const changes: string[] = []
  const stop = environment.page.listen((change) => changes.push(change))
  expect(environment.page.state()).toBe('visible')
  expect(environment.page.online()).toBe(true)
  dispatchEvent(new Event('offline'))
  dispatchEvent(new Event('online'))
  document.dispatchEvent(new Event('freeze'))
  expect(environment.page.state()).toBe('frozen')
  document.dispatchEvent(new Event('resume'))
  expect(environment.page.state()).toBe('visible')
  dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))
  expect(environment.page.state()).toBe('frozen')
  dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))
  expect(environment.page.state()).toBe('visible')
  stop()
  dispatchEvent(new Event('online'))
  expect(changes).toEqual(['offline', 'online', 'freeze', 'resume', 'leave', 'return'])
})
