import { createHash } from 'node:crypto'
import { type Device, type Language, words } from './trust-words.ts'

/** The first language of the browser that there are texts in. */
export const languageOf = (acceptLanguage: string | undefined, chosen: unknown): Language => {
  if (chosen === 'de' || chosen === 'en') return chosen
  const first = (acceptLanguage ?? '').split(',').map((part) => part.trim().slice(0, 2).toLowerCase()).find((code) => code === 'de' || code === 'en')
  return first === 'de' ? 'de' : 'en'
}

/** An iPad calls itself a Mac. */
export const deviceOf = (userAgent: string | undefined): Device =>
  /Android/.test(userAgent ?? '') ? 'android' : /iPad|iPhone|Macintosh/.test(userAgent ?? '') ? 'ipad' : 'windows'

const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

interface TrustPage {
  readonly language: Language
  readonly device: Device
  /** Where the app is, with the host by which this page was reached. */
  readonly appUrl: string
  readonly fingerprint: string
}

export const trustPage = ({ language, device, appUrl, fingerprint }: TrustPage): string => {
  const text = words[language]
  const other = language === 'de' ? 'en' : 'de'
  const devices = (Object.keys(text.devices) as Device[]).map((name) => {
    const { name: title, file, download, steps } = text.devices[name]
    return `<details name="device"${name === device ? ' open' : ''}>
<summary>${escape(title)}</summary>
<p><a class="key" href="${file}">${escape(download)}</a></p>
<ol>${steps.map((step) => `<li>${escape(step)}</li>`).join('')}</ol>
</details>`
  })
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Millpond · ${escape(text.title)}</title>
<link rel="stylesheet" href="/trust.css">
</head>
<body>
<main>
<p class="language"><a class="key quiet" href="/?lang=${other}" hreflang="${other}" lang="${other}">${escape(text.other)}</a></p>
<h1>${escape(text.title)}</h1>
<p>${escape(text.why)}</p>
<h2>${escape(text.which)}</h2>
${devices.join('\n')}
<p><a class="key main" href="${escape(appUrl)}">${escape(text.open)}</a></p>
<p class="quiet">${escape(text.openHint)}</p>
<p class="quiet">${escape(text.check)}<br><code>${escape(fingerprint)}</code></p>
</main>
</body>
</html>
`
}

/** SHA-256 of a certificate, in pairs of hex digits. */
export const fingerprintOf = (der: Uint8Array): string => createHash('sha256').update(der).digest('hex').toUpperCase().replace(/..(?=.)/g, '$& ')

/** A name-based UUID, so that installing again replaces the profile instead of adding one. */
const uuidOf = (der: Uint8Array, part: string): string => {
  const hex = createHash('sha256').update(part).update(der).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`.toUpperCase()
}

/** The profile that iPadOS installs: one root certificate. */
export const mobileconfig = (der: Uint8Array): string => {
  const payload = (fields: Readonly<Record<string, string>>): string => Object.entries(fields).map(([key, value]) => `<key>${key}</key>${value}`).join('\n')
  const string = (text: string): string => `<string>${escape(text)}</string>`
  const certificate = payload({
    PayloadType: string('com.apple.security.root'),
    PayloadVersion: '<integer>1</integer>',
    PayloadIdentifier: string('millpond.hub.authority'),
    PayloadUUID: string(uuidOf(der, 'certificate')),
    PayloadDisplayName: string('Millpond hub'),
    PayloadCertificateFileName: string('millpond-hub.cer'),
    PayloadContent: `<data>${Buffer.from(der).toString('base64')}</data>`,
  })
  const profile = payload({
    PayloadType: string('Configuration'),
    PayloadVersion: '<integer>1</integer>',
    PayloadIdentifier: string('millpond.hub'),
    PayloadUUID: string(uuidOf(der, 'profile')),
    PayloadDisplayName: string('Millpond hub'),
    PayloadDescription: string('Lets this device trust the Millpond hub of this floor, and nothing else.'),
    PayloadContent: `<array><dict>\n${certificate}\n</dict></array>`,
  })
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
${profile}
</dict></plist>
`
}
