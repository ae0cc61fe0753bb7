export type Language = 'en' | 'de'
export type Device = 'android' | 'ipad' | 'windows'

interface DeviceWords {
  readonly name: string
  readonly file: string
  readonly download: string
  readonly steps: readonly string[]
}

interface Words {
  readonly title: string
  readonly why: string
  readonly which: string
  readonly devices: Readonly<Record<Device, DeviceWords>>
  readonly open: string
  readonly openHint: string
  readonly check: string
  readonly other: string
}

/** The page that leads a new tablet through trusting the hub. */
export const words: Readonly<Record<Language, Words>> = {
  en: {
    title: 'Set up this tablet',
    why: 'Once per tablet: trust the certificate of this hub. After that, Millpond works here even without the hub and without any network.',
    which: 'Which device is this?',
    devices: {
      android: {
        name: 'Android',
        file: '/ca.crt',
        download: 'Download the certificate',
        steps: ['Open Settings and search for “CA certificate”.', 'Choose “CA certificate”, then “Install anyway”.', 'Pick the file millpond-hub.crt from the downloads.'],
      },
      ipad: {
        name: 'iPad, iPhone, Mac',
        file: '/ca.mobileconfig',
        download: 'Download the profile',
        steps: [
          'Use Safari. Allow the download.',
          'Settings › General › VPN & Device Management: touch the profile “Millpond hub” and install it.',
          'Settings › General › About › Certificate Trust Settings: switch “Millpond hub” on.',
        ],
      },
      windows: {
        name: 'Windows',
        file: '/ca.cer',
        download: 'Download the certificate',
        steps: ['Open the file millpond-hub.cer and choose “Install certificate”.', 'Choose “Current user”, then “Place all certificates in the following store”.', 'Pick “Trusted Root Certification Authorities”. Close the browser and open it again.'],
      },
    },
    open: 'Open Millpond',
    openHint: 'Then add it to the home screen, before anything is entered.',
    check: 'To compare with what the hub shows when it starts (SHA-256):',
    other: 'Deutsch',
  },
  de: {
    title: 'Dieses Tablet einrichten',
    why: 'Einmal je Tablet: dem Zertifikat dieses Hubs vertrauen. Danach läuft Millpond hier auch ohne den Hub und ganz ohne Netz.',
    which: 'Welches Gerät ist das?',
    devices: {
      android: {
        name: 'Android',
        file: '/ca.crt',
        download: 'Zertifikat herunterladen',
        steps: ['Einstellungen öffnen und nach „CA-Zertifikat“ suchen.', '„CA-Zertifikat“ wählen, dann „Trotzdem installieren“.', 'Die Datei millpond-hub.crt aus den Downloads wählen.'],
      },
      ipad: {
        name: 'iPad, iPhone, Mac',
        file: '/ca.mobileconfig',
        download: 'Profil herunterladen',
        steps: [
          'Safari benutzen. Den Download erlauben.',
          'Einstellungen › Allgemein › VPN und Geräteverwaltung: das Profil „Millpond hub“ berühren und installieren.',
          'Einstellungen › Allgemein › Info › Zertifikatsvertrauenseinstellungen: „Millpond hub“ einschalten.',
        ],
      },
      windows: {
        name: 'Windows',
        file: '/ca.cer',
        download: 'Zertifikat herunterladen',
        steps: ['Die Datei millpond-hub.cer öffnen und „Zertifikat installieren“ wählen.', '„Aktueller Benutzer“ wählen, dann „Alle Zertifikate in folgendem Speicher speichern“.', '„Vertrauenswürdige Stammzertifizierungsstellen“ wählen. Den Browser schließen und neu öffnen.'],
      },
    },
    open: 'Millpond öffnen',
    openHint: 'Danach zum Startbildschirm hinzufügen, bevor etwas eingegeben wird.',
    check: 'Zum Vergleichen mit dem, was der Hub beim Start zeigt (SHA-256):',
    other: 'English',
  },
}
