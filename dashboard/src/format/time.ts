import type { Bucket, Window } from '../address'
import { words } from '../words'

const cache = new Map<string, Intl.DateTimeFormat>()

function formatter(zone: string, key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const name = `${zone} ${key}`
  let found = cache.get(name)
  if (!found) {
    found = new Intl.DateTimeFormat(words.locale, { timeZone: zone, ...options })
    cache.set(name, found)
  }
  return found
}

/** `21 Nov 2026, 14:05` */
export function dateTime(instant: string | number, zone: string): string {
  const options = { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
  return formatter(zone, 'date-time', options).format(new Date(instant))
}

/** `21 Nov, 14:05` */
export function shortDateTime(instant: string | number, zone: string): string {
  const options = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
  return formatter(zone, 'short-date-time', options).format(new Date(instant))
}

/** `21 Nov 2026` */
export function date(instant: string | number, zone: string): string {
  return formatter(zone, 'date', { day: 'numeric', month: 'short', year: 'numeric' }).format(new Date(instant))
}

/** The name of a bucket: a day or a week by its first day, a month by its name. */
export function bucketName(from: string, bucket: Bucket, zone: string): string {
  const options: Intl.DateTimeFormatOptions =
    bucket === 'month' ? { month: 'short', year: '2-digit' } : { day: 'numeric', month: 'short' }
  return formatter(zone, `bucket-${bucket}`, options).format(new Date(from))
}

export function ago(instant: number, now: number): string {
  const seconds = Math.max(0, Math.floor((now - instant) / 1000))
  if (seconds < 1) return words.ago.now
  if (seconds < 60) return words.ago.seconds(seconds)
  if (seconds < 3600) return words.ago.minutes(Math.floor(seconds / 60))
  if (seconds < 172_800) return words.ago.hours(Math.floor(seconds / 3600))
  return words.ago.days(Math.floor(seconds / 86_400))
}

export function windowName(window: Window, zone: string): string {
  if ('last' in window) return words.bar.windowsLong[window.last]
  const last = new Date(Date.parse(window.to) - 1)
  return `${date(window.from, zone)} – ${date(last.getTime(), zone)}`
}

export function beforeName(window: Window): string {
  return words.change.before['last' in window ? window.last : 'custom']
}
