import type { TaggedEvent, Where } from './types.ts'

/** Several selections joined: an event is meant when one of them means it. */
export interface Union<E = unknown> extends Where<E> {
  /** What this or the other means. */
  or: <E1>(other: Where<E1>) => Union<E | E1>
}

/** Events that have all of some tags. */
export interface Tags<E = unknown> extends Union<E> {
  /** Events that have these tags and those, or the one given as a text. */
  and: {
    <E1 = unknown>(other: Tags<E1>): Tags<E & E1>
    (tag: string): Tags<E>
  }
  /** Of those the ones that this node has made. */
  local: () => Tags<E>
  /** Events with these tags, ready to be published: of one event one, of several a list. */
  apply: {
    (event: E): TaggedEvent
    (...events: E[]): TaggedEvent[]
  }
  /** The same with its type, so that further tags are checked against it. */
  applyTyped: <E1 extends E>(event: E1) => TypedEvent<E1>
}

/** One tag with the type of its events. */
export interface Tag<E = unknown> extends Tags<E> {
  /** The tag, and the tag `<name>:<id>`: events about that one. */
  withId: (id: string) => Tags<E>
  /** The tag `<name>:<id>` alone: whatever mentions it. */
  id: (id: string) => Tags
}

export interface TypedEvent<E = unknown> extends TaggedEvent {
  readonly event: E
  /** With more tags, of which each must fit the event. */
  withTags: <E1>(tags: Tags<E1> & (E extends E1 ? unknown : never)) => TypedEvent<E>
}

interface Selected {
  readonly names: readonly string[]
  readonly isLocal?: boolean
  /** Names of tags, with what tells the id of an event that they are put on. */
  readonly extracting?: readonly (readonly [string, (event: never) => string])[]
}

/** What a selection of this module is made of; of any other one its text is known. */
const made = new WeakMap<object, Selected>()

const quoted = (name: string): string => `'${name.replaceAll("'", "''")}'`

const textOf = ({ names, isLocal }: Selected): string => [...names.map(quoted), ...(isLocal === true ? ['isLocal'] : [])].join(' & ') || 'allEvents'

const unionOf = <E>(texts: readonly string[]): Union<E> => ({ toString: () => texts.join(' | '), or: (other) => unionOf([...texts, other.toString()]) })

const tagsOn = (event: unknown, { names, extracting = [] }: Selected): string[] => [...new Set([...names, ...extracting.map(([name, idOf]) => `${name}:${idOf(event as never)}`)])]

const tagsOf = <E>(selected: Selected): Tags<E> => {
  const tagged = (event: unknown): TaggedEvent => ({ tags: tagsOn(event, selected), event })
  const tags: Tags<E> = {
    ...unionOf<E>([textOf(selected)]),
    and: ((other: unknown) => tagsOf(both(selected, typeof other === 'string' ? { names: [other] } : selectedBy(other)))) as Tags<E>['and'],
    local: () => tagsOf({ ...selected, isLocal: true }),
    apply: ((...events: unknown[]) => (events.length === 1 ? tagged(events[0]) : events.map(tagged))) as Tags<E>['apply'],
    applyTyped: (event) => typed(event, tagsOn(event, selected)),
  }
  made.set(tags, selected)
  return tags
}

const typed = <E>(event: E, tags: string[]): TypedEvent<E> => ({ event, tags, withTags: (more) => typed(event, [...new Set([...tags, ...tagsOn(event, selectedBy(more))])]) })

const selectedBy = (tags: unknown): Selected => {
  const selected = typeof tags === 'object' && tags !== null ? made.get(tags) : undefined
  if (selected === undefined) throw new TypeError('only Tags and Tag of this module can be joined by `and`')
  return selected
}

const both = (a: Selected, b: Selected): Selected => ({
  names: [...new Set([...a.names, ...b.names])],
  isLocal: a.isLocal === true || b.isLocal === true,
  extracting: [...(a.extracting ?? []), ...(b.extracting ?? [])],
})

/**
 * Events that have all of these tags; of none all events.
 *
 * @example
 * ```ts
 * import { Tags } from 'millpond/actyx'
 *
 * console.log(Tags('order', 'order:4711').local().or(Tags('alarm')).toString()) // 'order' & 'order:4711' & isLocal | 'alarm'
 * ```
 */
export const Tags = <E = unknown>(...names: string[]): Tags<E> => tagsOf({ names: [...new Set(names)] })

/**
 * A tag with the type of its events.
 * @param extractId tells the id of an event: it is then tagged with `<name>:<id>` too, when the tag is put on it
 *
 * @example
 * ```ts
 * import { Tag } from 'millpond/actyx'
 *
 * const Order = Tag<{ id: string; pieces: number }>('order', ({ id }) => id)
 * console.log(Order.withId('4711').toString()) // 'order' & 'order:4711'
 * console.log(Order.id('4711').toString()) // 'order:4711'
 * console.log(Order.apply({ id: '4711', pieces: 20 }).tags.join()) // order,order:4711
 * ```
 */
export const Tag = <E = unknown>(name: string, extractId?: (event: E) => string): Tag<E> => {
  const selected: Selected = { names: [name], ...(extractId && { extracting: [[name, extractId]] }) }
  const tag: Tag<E> = { ...tagsOf<E>(selected), withId: (id) => tagsOf({ names: [name, `${name}:${id}`] }), id: (id) => tagsOf({ names: [`${name}:${id}`] }) }
  made.set(tag, selected)
  return tag
}

/** Every event, of all applications. */
export const allEvents: Tags = Tags()
