import { MantineProvider, createTheme } from '@mantine/core'
import { QueryClient, QueryClientProvider, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { ApiProblem } from './api/client'
import { useLive } from './api/live'
import { definitions as definitionsQuery, tree as treeQuery } from './api/queries'
import { useKeys, useMedia } from './hooks'
import { find, nameOf } from './model'
import { Page } from './pages/Page'
import { Failure } from './parts/Failure'
import { Find } from './parts/Find'
import { Rail } from './parts/Rail'
import { TokenForm } from './parts/TokenForm'
import { TopBar } from './parts/TopBar'
import { go, PlaceContext, usePlace, usePlaceHere } from './useAddress'
import { words } from './words'

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // The stream says when something is new; asking again on every focus would only cost.
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      retry: (times, error) => times < 2 && !(error instanceof ApiProblem && error.status >= 400 && error.status < 500),
    },
  },
})

const theme = createTheme({ respectReducedMotion: true, fontFamily: 'inherit', cursorType: 'pointer' })

export function App() {
  const place = usePlaceHere()
  const dark = useMedia('(prefers-color-scheme: dark)')
  const scheme = place.address.theme === 'auto' ? (dark ? 'dark' : 'light') : place.address.theme
  return (
    <MantineProvider theme={theme} forceColorScheme={scheme} withCssVariables={false} withGlobalClasses={false}>
      <QueryClientProvider client={queries}>
        <PlaceContext value={place}>
          <Frame />
        </PlaceContext>
      </QueryClientProvider>
    </MantineProvider>
  )
}

function Frame() {
  const { address, set, to } = usePlace()
  const client = useQueryClient()
  const [finding, setFinding] = useState(false)
  const tree = useQuery(treeQuery(address))
  const refused = tree.error instanceof ApiProblem && (tree.error.status === 401 || tree.error.status === 403)
  const definitions = useQuery({ ...definitionsQuery, enabled: !refused })
  const live = useLive(tree.data !== undefined && !refused)
  useKeys({
    '/': () => tree.data && setFinding(true),
    'g o': () => go(to({ node: 'group' })),
    t: () => set({ tables: !address.tables }),
  })
  const here = tree.data && find(tree.data, address.node)
  useEffect(() => {
    document.title = here && here.level !== 'group' ? `${nameOf(here)} · ${words.product}` : words.product
  }, [here])
  // Short names in the address are made full once, so that all questions agree.
  useEffect(() => {
    if (here && here.node !== address.node) set({ node: here.node }, 'replace')
  }, [here, address.node, set])

  if (refused) {
    return <TokenForm message={tree.error?.message ?? ''} onDone={() => void client.resetQueries()} />
  }
  return (
    <div className="frame">
      <a className="skip" href="#main">
        {words.skip}
      </a>
      <Rail tree={tree.data} />
      <div className="content">
        <TopBar tree={tree.data} definitions={definitions.data} live={live} onFind={() => setFinding(true)} />
        <main id="main" tabIndex={-1}>
          {tree.data ? (
            <Page tree={tree.data} definitions={definitions.data} stale={tree.isPlaceholderData} />
          ) : tree.error ? (
            <Failure error={tree.error} retry={() => void tree.refetch()} />
          ) : (
            <div className="skeleton" style={{ height: 480 }} />
          )}
        </main>
      </div>
      <Announcer status={live.status} />
      {tree.data && <Find tree={tree.data} opened={finding} onClose={() => setFinding(false)} />}
    </div>
  )
}

/** Says when the connection goes and comes back; a page that ticks aloud would be unbearable. */
function Announcer({ status }: { status: 'connecting' | 'live' | 'lost' }) {
  const was = useRef(status)
  const [text, setText] = useState('')
  useEffect(() => {
    if (status === 'lost' && was.current === 'live') setText(words.live.lostAnnounced)
    if (status === 'live' && was.current === 'lost') setText(words.live.backAnnounced)
    was.current = status
  }, [status])
  return (
    <div className="unseen" aria-live="polite" role="status">
      {text}
    </div>
  )
}

