/** English: what is said when the app itself does not start. Apart from the rest, for it stands outside of what may be broken. */
export const crashEn = {
  'crash.title': 'Millpond could not start.',
  'crash.reason': 'Something in this version of the app is wrong. What was recorded is still on this tablet.',
  'crash.before': 'The version before is still here. It works as it did, and stays in use until a newer one comes.',
  'crash.alone': 'If it stays so, switch on the hub and try again: a newer version is fetched from it.',
  'crash.again': 'Try again',
  'crash.back': 'Use the version before',
  'crash.save': 'Save everything to a file',
  'crash.wait': 'One moment.',
  'crash.saved': 'The file is saved. Any tablet of the floor takes it under Swarm, Import. Who has it can read its entries.',
  'crash.part': 'What could be read is saved. Any tablet of the floor takes the file under Swarm, Import.',
  'crash.nothing': 'This tablet holds nothing that could be saved.',
  'crash.unsaved': 'This version cannot save it.',
  'crash.other': 'Deutsch',
} as const

export type CrashKey = keyof typeof crashEn
