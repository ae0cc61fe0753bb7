import { languageOf, type Language } from '../i18n/language.ts'

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
