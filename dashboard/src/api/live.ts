import { useQueryClient, type QueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { authorization, problem } from './client'
import { read } from './sse'

export interface Live {
  status: 'connecting' | 'live' | 'lost'
  /** When the data last changed, by the server; 0 before it said so. */
  changedAt: number
}

/** Three keep-alives of the server are missing: the connection is gone although nobody said so. */
const SILENCE_MS = 35_000
const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 15_000

/** How long to wait before what is shown is asked for again: a busy server is asked less often. */
export function pause(lastTookMs: number): number {
  return Math.min(10_000, Math.max(250, 2 * lastTookMs))
}

/** Follows the server's stream and asks again for what is shown when it tells of a change. */
export function useLive(enabled: boolean): Live {
  const queries = useQueryClient()
  const [live, setLive] = useState<Live>({ status: 'connecting', changedAt: 0 })
  useEffect(() => {
    if (!enabled) return
    const stop = new AbortController()
    void follow(queries, stop.signal, (part) => setLive((known) => ({ ...known, ...part })))
    return () => stop.abort()
  }, [queries, enabled])
  return live
}

async function follow(queries: QueryClient, stop: AbortSignal, tell: (part: Partial<Live>) => void): Promise<void> {
  const refresh = refresher(queries)
  let known: number | null = null
  let retry = FIRST_RETRY_MS
  while (!stop.aborted) {
    const connection = new AbortController()
    const end = () => connection.abort()
    stop.addEventListener('abort', end, { once: true })
    let silence = setTimeout(end, SILENCE_MS)
    const heard = () => {
      clearTimeout(silence)
      silence = setTimeout(end, SILENCE_MS)
    }
    try {
      const headers = { accept: 'text/event-stream', ...authorization() }
      const response = await fetch('/api/v1/stream', { headers, signal: connection.signal, cache: 'no-store' })
      if (!response.ok) throw await problem(response)
      tell({ status: 'live' })
      retry = FIRST_RETRY_MS
      let first = true
      await read(response, connection.signal, heard, (message) => {
        if (message.event !== 'change') return
        const { change, at } = JSON.parse(message.data) as { change: number; at: string }
        // The first message of the first connection tells what the page has asked for anyway. One after a break may
        // come from a server that was started anew, whose numbers of changes mean something else.
        if (known !== null && (first || known !== change)) refresh()
        known = change
        first = false
        tell({ changedAt: Date.parse(at) })
      })
    } catch {
      // Told below; the reason does not change what to do.
    } finally {
      clearTimeout(silence)
      connection.abort()
      stop.removeEventListener('abort', end)
    }
    if (stop.aborted) return
    tell({ status: 'lost' })
    await new Promise((done) => setTimeout(done, retry))
    retry = Math.min(LAST_RETRY_MS, retry * 2)
  }
}

/** What people look at first is asked for first, and what was before, which seldom changes, last. */
const ORDER = [['metrics', 'deployments', 'incidents', 'explain'], ['tree'], ['series'], ['before']]

/** Asks again at once, and then once more for all changes that came in the meantime. */
export function refresher(queries: Pick<QueryClient, 'invalidateQueries'>): () => void {
  let busy = false
  let again = false
  // Every second round goes to its end, however much happens.
  let cut = false
  const run = async () => {
    busy = true
    do {
      again = false
      const started = performance.now()
      let left = ORDER.length
      for (const kinds of ORDER) {
        // What is new does not wait for what people look at last.
        if (again && !cut && left < ORDER.length) break
        left -= 1
        await queries.invalidateQueries({ predicate: (query) => kinds.includes(String(query.queryKey[0])) })
      }
      cut = left > 0
      await new Promise((done) => setTimeout(done, cut ? 0 : pause(performance.now() - started)))
    } while (again)
    busy = false
  }
  return () => {
    if (busy) again = true
    else void run()
  }
}
