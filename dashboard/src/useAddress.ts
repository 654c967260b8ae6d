import { createContext, useCallback, useContext, useMemo, useSyncExternalStore, type MouseEvent } from 'react'
import { formatAddress, parseAddress, type Address } from './address'

const MOVED = 'leadline:moved'

function subscribe(told: () => void): () => void {
  window.addEventListener('popstate', told)
  window.addEventListener(MOVED, told)
  return () => {
    window.removeEventListener('popstate', told)
    window.removeEventListener(MOVED, told)
  }
}

const here = () => window.location.pathname + window.location.search

export function go(href: string, how: 'push' | 'replace' = 'push'): void {
  if (href === here()) return
  if (how === 'push') window.history.pushState(null, '', href)
  else window.history.replaceState(null, '', href)
  window.dispatchEvent(new Event(MOVED))
}

export interface Place {
  address: Address
  /** Changes a part of the address; choices within a page replace it, going elsewhere adds to the history. */
  set: (part: Partial<Address>, how?: 'push' | 'replace') => void
  /** The href of another place with everything else as it is. */
  to: (part: Partial<Address>) => string
}

export const PlaceContext = createContext<Place | null>(null)

export function usePlaceHere(): Place {
  const text = useSyncExternalStore(subscribe, here)
  const address = useMemo(() => {
    const [path = '/', search = ''] = text.split(/\?(.*)/s)
    return parseAddress(path, search)
  }, [text])
  const set = useCallback<Place['set']>(
    (part, how) => {
      const elsewhere = 'node' in part && part.node !== address.node
      go(formatAddress({ ...address, ...part }), how ?? (elsewhere || 'explain' in part ? 'push' : 'replace'))
    },
    [address],
  )
  const to = useCallback<Place['to']>((part) => formatAddress({ ...address, explain: undefined, ...part }), [address])
  return useMemo(() => ({ address, set, to }), [address, set, to])
}

export function usePlace(): Place {
  const place = useContext(PlaceContext)
  if (!place) throw new Error('usePlace stands below PlaceContext')
  return place
}

/** Lets a link be followed without loading the page again, unless a key says "elsewhere". */
export function follow(event: MouseEvent<Element>): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  event.preventDefault()
  // The attribute, because links within drawings have no `pathname`.
  const { pathname, search } = new URL(event.currentTarget.getAttribute('href') ?? '', window.location.href)
  go(pathname + search)
  window.scrollTo({ top: 0 })
}
