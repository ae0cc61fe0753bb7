import type { Words } from '../i18n/words.svelte.ts'
import { applyChoices, LANGUAGE_KEY, THEME_KEY, type Choices } from './choices.ts'

/** The choices of this tablet: shown at once, kept for the next start. */
export class Settings {
  readonly #kept: Pick<Storage, 'getItem' | 'setItem'>
  readonly #root: HTMLElement
  readonly #words: Words
  #choices = $state.raw<Choices>({ language: 'en', theme: 'system' })

  constructor(kept: Pick<Storage, 'getItem' | 'setItem'>, root: HTMLElement, words: Words, choices: Choices) {
    this.#kept = kept
    this.#root = root
    this.#words = words
    this.#show(choices)
  }

  get current(): Choices {
    return this.#choices
  }

  readonly choose = (choices: Choices): void => {
    this.#kept.setItem(THEME_KEY, choices.theme)
    this.#kept.setItem(LANGUAGE_KEY, choices.language)
    this.#show(choices)
  }

  #show(choices: Choices): void {
    this.#choices = choices
    this.#words.language = choices.language
    applyChoices(this.#root, choices)
  }
}
