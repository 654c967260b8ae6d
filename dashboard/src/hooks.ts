import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef, useState, useSyncExternalStore, type RefObject } from 'react'

/** Whether the reader asked for less motion. */
export function useCalm(): boolean {
  return useMedia('(prefers-reduced-motion: reduce)')
}

export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (told) => {
      const list = window.matchMedia(query)
      list.addEventListener('change', told)
      return () => list.removeEventListener('change', told)
    },
    () => window.matchMedia(query).matches,
  )
}

export function useScheme(): 'light' | 'dark' {
  return useComputedColorScheme('light')
}

/** The width of an element in whole pixels, as it changes; 0 before it is known. */
export function useWidth<T extends HTMLElement>(): [RefObject<T | null>, number] {
  const element = useRef<T>(null)
  const [width, setWidth] = useState(0)
  useEffect(() => {
    const box = element.current
    if (!box) return
    const measure = () => setWidth(Math.floor(box.clientWidth))
    measure()
    const watch = new ResizeObserver(measure)
    watch.observe(box)
    return () => watch.disconnect()
  }, [])
  return [element, width]
}

/** The clock, once a second. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  return now
}

const COUNT_MS = 500

/** Counts up or down to a new value of the same thing, once; jumps when `what` is another thing. */
export function useCount(value: number | null, what: string): number | null {
  const calm = useCalm()
  const [shown, setShown] = useState(value)
  const from = useRef({ value, what })
  useEffect(() => {
    const start = from.current
    from.current = { value, what }
    if (calm || value === null || start.value === null || start.what !== what || start.value === value) {
      setShown(value)
      return
    }
    const [origin, began] = [start.value, performance.now()]
    let frame = requestAnimationFrame(function step(now) {
      const done = Math.min(1, (now - began) / COUNT_MS)
      setShown(origin + (value - origin) * (1 - (1 - done) ** 3))
      if (done < 1) frame = requestAnimationFrame(step)
    })
    return () => cancelAnimationFrame(frame)
  }, [value, what, calm])
  // Another thing is never shown with the number of the one before.
  return from.current.what === what ? shown : value
}

type Keys = Record<string, () => void>

/** Single keys and pairs (`g o`), never while somebody writes. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys)
  latest.current = keys
  useEffect(() => {
    let first = ''
    let forget: ReturnType<typeof setTimeout> | undefined
    const pressed = (event: KeyboardEvent) => {
      const on = event.target as HTMLElement
      if (event.metaKey || event.ctrlKey || event.altKey) return
      if (on.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(on.tagName) || on.closest('[role=dialog]')) return
      const run = latest.current[`${first} ${event.key}`] ?? latest.current[event.key]
      clearTimeout(forget)
      first = run ? '' : event.key
      forget = setTimeout(() => (first = ''), 1000)
      if (!run) return
      event.preventDefault()
      run()
    }
    window.addEventListener('keydown', pressed)
    return () => window.removeEventListener('keydown', pressed)
  }, [])
}
