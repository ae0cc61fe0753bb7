import type { CrashKey } from './crash-en.ts'

/** German: what is said when the app itself does not start. */
export const crashDe: Readonly<Record<CrashKey, string>> = {
  'crash.title': 'Millpond konnte nicht starten.',
  'crash.reason': 'An dieser Version der App stimmt etwas nicht. Was eingetragen wurde, liegt weiter auf diesem Tablet.',
  'crash.before': 'Die Version davor ist noch hier. Sie arbeitet wie vorher und bleibt, bis eine neuere kommt.',
  'crash.alone': 'Bleibt es so, den Hub einschalten und noch einmal versuchen: Von ihm kommt eine neuere Version.',
  'crash.again': 'Noch einmal versuchen',
  'crash.back': 'Die Version davor nehmen',
  'crash.save': 'Alles in eine Datei sichern',
  'crash.wait': 'Einen Moment.',
  'crash.saved': 'Die Datei ist gesichert. Jedes Tablet der Halle nimmt sie unter Verbund, Einlesen. Wer sie hat, kann ihre Einträge lesen.',
  'crash.part': 'Gesichert ist, was lesbar war. Jedes Tablet der Halle nimmt die Datei unter Verbund, Einlesen.',
  'crash.nothing': 'Auf diesem Tablet liegt nichts, was zu sichern wäre.',
  'crash.unsaved': 'Diese Version kann es nicht sichern.',
  'crash.other': 'English',
}
