import Bowser from 'bowser'

/**
 * The names Bowser can tell by itself. For a `User-Agent` it does not know it hands the text back, and that must not get into our mails:
 * whoever asks for one could make us say anything to its reader.
 */
const browsers = new Set<string>(Object.values(Bowser.BROWSER_MAP))
const systems = new Set<string>(Object.values(Bowser.OS_MAP))

/** Browser and system as their owner would say them, from the `User-Agent`; `null` for what it does not tell. */
export function describeDevice(userAgent: string | null): {
  browser: string | null
  os: string | null
  words: string | null
} {
  if (userAgent === null || userAgent === '') return { browser: null, os: null, words: null }
  const { browser, os } = Bowser.parse(userAgent)
  const described = { browser: known(browser.name, browsers), os: known(os.name, systems) }
  const words = [described.browser, described.os].filter((part) => part !== null).join(' on ')
  return { ...described, words: words === '' ? null : words }
}

function known(name: string | undefined, names: ReadonlySet<string>): string | null {
  return name !== undefined && names.has(name) ? name : null
}
