// Everything that decides what is shown lives in the address, so that a link shows the same to whoever opens it.

import { LANGUAGES, type Language } from './words'

export const WINDOWS = ['7d', '30d', '90d', '365d'] as const
export type Relative = (typeof WINDOWS)[number]
export type Theme = 'auto' | 'light' | 'dark'
export type Bucket = 'day' | 'week' | 'month'

/** A time up to now, or between two instants or dates as the API reads them. */
export type Window = { last: Relative } | { from: string; to: string }

export interface Address {
  node: string
  window: Window
  /** Definition id; the server's own when undefined. */
  definition?: string
  /** Metric of the evolution and of the table's bars. */
  metric: string
  /** Bucket of series; by the length of the window when undefined. */
  bucket?: Bucket
  zone: string
  theme: Theme
  /** Language; the browser's when undefined. */
  lang?: Language
  /** Metric whose explanation is open. */
  explain?: string
  /** Metric whose distribution is shown. */
  spread?: string
  /** Tables instead of charts. */
  tables: boolean
  /** Logarithmic scale for durations. */
  log: boolean
}

export const DEFAULTS: Address = {
  node: 'group',
  window: { last: '30d' },
  metric: 'deployment_frequency',
  zone: 'UTC',
  theme: 'auto',
  tables: false,
  log: false,
}

const oneOf = <T extends string>(known: readonly T[], value: string | null): T | undefined =>
  known.find((item) => item === value)

export function parseAddress(pathname: string, search: string): Address {
  const query = new URLSearchParams(search)
  const path = /^\/node\/(.+)$/.exec(pathname)?.[1]
  const from = query.get('from')
  const to = query.get('to')
  const last = oneOf(WINDOWS, query.get('window'))
  return {
    node: path ? decode(path) : 'group',
    window: from && to ? { from, to } : { last: last ?? '30d' },
    definition: query.get('definition') || undefined,
    metric: query.get('metric') || DEFAULTS.metric,
    bucket: oneOf(['day', 'week', 'month'] as const, query.get('bucket')),
    zone: zoneOr(query.get('zone'), DEFAULTS.zone),
    theme: oneOf(['light', 'dark'] as const, query.get('theme')) ?? 'auto',
    lang: oneOf(Object.keys(LANGUAGES) as Language[], query.get('lang')),
    explain: query.get('explain') || undefined,
    spread: query.get('spread') || undefined,
    tables: query.get('show') === 'tables',
    log: query.get('scale') === 'log',
  }
}

export function formatAddress(address: Address): string {
  const query = new URLSearchParams()
  if ('last' in address.window) {
    if (address.window.last !== '30d') query.set('window', address.window.last)
  } else {
    query.set('from', address.window.from)
    query.set('to', address.window.to)
  }
  if (address.definition) query.set('definition', address.definition)
  if (address.metric !== DEFAULTS.metric) query.set('metric', address.metric)
  if (address.bucket) query.set('bucket', address.bucket)
  if (address.zone !== DEFAULTS.zone) query.set('zone', address.zone)
  if (address.theme !== 'auto') query.set('theme', address.theme)
  if (address.lang) query.set('lang', address.lang)
  if (address.explain) query.set('explain', address.explain)
  if (address.spread) query.set('spread', address.spread)
  if (address.tables) query.set('show', 'tables')
  if (address.log) query.set('scale', 'log')
  const path = address.node === 'group' ? '/' : `/node/${encodeNode(address.node)}`
  const text = query.toString().replaceAll('%3A', ':').replaceAll('%2F', '/')
  return text ? `${path}?${text}` : path
}

/** Days of a window; of a custom one rounded up. */
export function daysOf(window: Window): number {
  if ('last' in window) return Number.parseInt(window.last, 10)
  const length = Date.parse(window.to) - Date.parse(window.from)
  return Number.isFinite(length) ? Math.max(1, Math.ceil(length / 86_400_000)) : 30
}

/** The bucket in the address, else one long enough to be calm: days rise and fall with the week, and hold few rows. */
export function bucketOf(address: Address): Bucket {
  const days = daysOf(address.window)
  return address.bucket ?? (days <= 14 ? 'day' : days <= 400 ? 'week' : 'month')
}

/** Names keep `:`, `/` and `@`, so that an address can be read. */
function encodeNode(node: string): string {
  return encodeURIComponent(node).replaceAll('%3A', ':').replaceAll('%2F', '/').replaceAll('%40', '@')
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function zoneOr(zone: string | null, other: string): string {
  if (!zone) return other
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return zone
  } catch {
    return other
  }
}
