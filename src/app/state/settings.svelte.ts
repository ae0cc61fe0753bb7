import { type Language, languageOf, type Words } from '../i18n/words.svelte.ts'

export type Theme = 'system' | 'light' | 'dark'

/** What a person chose on this tablet about how it looks; kept beside the node, not in it. */
export interface Choices {
  readonly language: Language
  readonly theme: Theme
}

export const THEME_KEY = 'millpond.theme'
export const LANGUAGE_KEY = 'millpond.language'

/** The choices kept, else the browser's language and the tablet's own brightness. */
export const readChoices = (kept: Pick<Storage, 'getItem'>, languages: readonly string[]): Choices => {
  const theme = kept.getItem(THEME_KEY)
  const language = kept.getItem(LANGUAGE_KEY)
  return {
    theme: theme === 'light' || theme === 'dark' ? theme : 'system',
    language: language === 'en' || language === 'de' ? language : languageOf(languages),
  }
}

/** Shows the choices on the page: the theme and the language of its root element. */
export const applyChoices = (root: HTMLElement, { theme, language }: Choices): void => {
  if (theme === 'system') root.removeAttribute('data-theme')
  else root.setAttribute('data-theme', theme)
  root.setAttribute('lang', language)
}

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
