export type Language = 'en' | 'de'

/** The first language of a person's list that the app speaks; English where it speaks none. */
export const languageOf = (wanted: readonly string[]): Language => {
  for (const tag of wanted) {
    const language = tag.slice(0, 2).toLowerCase()
    if (language === 'en' || language === 'de') return language
  }
  return 'en'
}
