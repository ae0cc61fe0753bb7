import type { Language } from '../i18n/language.ts'
import { loadTexts, type Texts, type Words } from '../i18n/words.svelte.ts'
import { applyChoices, LANGUAGE_KEY, THEME_KEY, type Choices } from './choices.ts'

/** The choices of this tablet: shown at once, kept for the next start. */
export class Settings {
  readonly #kept: Pick<Storage, 'getItem' | 'setItem'>
  readonly #root: HTMLElement
  readonly #words: Words
  readonly #load: (language: Language) => Promise<Texts>
  #choices = $state.raw<Choices>({ language: 'en', theme: 'system' })

  constructor(kept: Pick<Storage, 'getItem' | 'setItem'>, root: HTMLElement, words: Words, choices: Choices, load = loadTexts) {
    this.#load = load
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
    applyChoices(this.#root, choices)
    if (choices.language !== this.#words.language) this.#load(choices.language).then((texts) => this.#speak(choices.language, texts)).catch(reportError)
  }

  /** The one chosen last, whichever came first. */
  #speak(language: Language, texts: Texts): void {
    if (this.#choices.language === language) this.#words.speak(language, texts)
  }
}
