import { Popover } from '@mantine/core'
import { useState } from 'react'
import { WINDOWS, type Address, type Theme, type Window } from '../address'
import type { Definitions, Tree } from '../api/client'
import type { Live } from '../api/live'
import { ago, windowName } from '../format/time'
import { useNow, useScheme } from '../hooks'
import { nameOf, pathTo } from '../model'
import { follow, usePlace } from '../useAddress'
import { words } from '../words'
import { Choice } from './Choice'
import classes from './TopBar.module.css'

interface Props {
  tree: Tree | undefined
  definitions: Definitions | undefined
  live: Live
  onFind: () => void
}

export function TopBar({ tree, definitions, live, onFind }: Props) {
  const { address, set } = usePlace()
  return (
    <header className={classes.bar}>
      <Path tree={tree} onFind={onFind} />
      <div className={classes.tools} role="group" aria-label={words.bar.label}>
        <Windows window={address.window} zone={address.zone} set={(window) => set({ window })} />
        <label className={classes.select}>
          <span className="unseen">{words.bar.definition}</span>
          <select
            value={address.definition ?? definitions?.default ?? ''}
            title={definitions?.definitions.find((each) => each.definition.id === (address.definition ?? definitions.default))?.definition.title}
            onChange={(event) => {
              const chosen = event.currentTarget.value
              set({ definition: chosen === definitions?.default ? undefined : chosen })
            }}
          >
            {(definitions?.definitions ?? []).map(({ definition }) => (
              <option key={definition.id} value={definition.id}>
                {definition.id}
              </option>
            ))}
          </select>
        </label>
        <Zones zone={address.zone} set={set} />
        <LiveMark live={live} />
        <ThemeButton set={set} />
      </div>
    </header>
  )
}

function Path({ tree, onFind }: { tree: Tree | undefined; onFind: () => void }) {
  const { address, to } = usePlace()
  const path = tree ? pathTo(tree, address.node) : []
  return (
    <nav className={classes.path} aria-label={words.bar.path}>
      <ol>
        {path.map((node, index) => (
          <li key={node.node}>
            {index === path.length - 1 ? (
              <span aria-current="page">{nameOf(node)}</span>
            ) : (
              <a href={to({ node: node.node })} onClick={follow}>
                {nameOf(node)}
              </a>
            )}
          </li>
        ))}
      </ol>
      <button type="button" className={classes.find} onClick={onFind} aria-keyshortcuts="/">
        <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true" focusable="false">
          <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="1.5" />
          <path d="m9 9 3.5 3.5" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" />
        </svg>
        <span className={classes.findText}>{words.bar.search}</span>
        <kbd aria-hidden="true">/</kbd>
      </button>
    </nav>
  )
}

const DAY = 86_400_000

function Windows({ window, zone, set }: { window: Window; zone: string; set: (window: Window) => void }) {
  const [open, setOpen] = useState(false)
  const custom = 'from' in window
  // Dates are days of UTC, as the API reads them.
  const day = (instant: string | number) => new Date(instant).toISOString().slice(0, 10)
  const [from, setFrom] = useState(() => day(custom ? window.from : Date.now() - 30 * DAY))
  const [until, setUntil] = useState(() => day(custom ? Date.parse(window.to) - 1 : Date.now()))
  const options = WINDOWS.map((each) => ({ value: each as string, label: words.bar.windows[each], title: words.bar.windowsLong[each] }))
  const right = from !== '' && until !== '' && from <= until
  return (
    <div className={classes.windows}>
      <Choice label={words.bar.window} options={options} value={custom ? null : window.last} onChange={(last) => set({ last } as Window)} />
      <Popover opened={open} onChange={setOpen} position="bottom-end" trapFocus returnFocus shadow="md">
        <Popover.Target>
          <button type="button" className={classes.custom} aria-pressed={custom} onClick={() => setOpen(!open)}>
            {custom ? windowName(window, zone) : words.bar.custom}
          </button>
        </Popover.Target>
        <Popover.Dropdown className={classes.dropdown}>
          <form
            className={classes.dates}
            onSubmit={(event) => {
              event.preventDefault()
              if (!right) return
              set({ from, to: day(Date.parse(until) + DAY) })
              setOpen(false)
            }}
          >
            <label>
              {words.bar.from}
              <input type="date" required value={from} max={until} onChange={(event) => setFrom(event.currentTarget.value)} />
            </label>
            <label>
              {words.bar.until}
              <input type="date" required value={until} min={from} onChange={(event) => setUntil(event.currentTarget.value)} />
            </label>
            <button type="submit" className="button" disabled={!right}>
              {words.bar.apply}
            </button>
          </form>
        </Popover.Dropdown>
      </Popover>
    </div>
  )
}

function Zones({ zone, set }: { zone: string; set: (part: Partial<Address>) => void }) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone
  const usual = [...new Set(['UTC', here, zone])]
  const all = Intl.supportedValuesOf('timeZone').filter((each) => !usual.includes(each))
  return (
    <label className={classes.select}>
      <span className="unseen">{words.bar.zone}</span>
      <select value={zone} onChange={(event) => set({ zone: event.currentTarget.value })}>
        <optgroup label={words.bar.zonesHere}>
          {usual.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </optgroup>
        <optgroup label={words.bar.zonesAll}>
          {all.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </optgroup>
      </select>
    </label>
  )
}

function LiveMark({ live }: { live: Live }) {
  const now = useNow()
  const text =
    live.status === 'lost'
      ? words.live.lost
      : live.status === 'connecting' || live.changedAt === 0
        ? words.live.connecting
        : words.live.live(ago(live.changedAt, now))
  return (
    <span className={classes.live} data-status={live.status} title={live.status === 'lost' ? words.live.lostHint : words.live.liveHint}>
      {text}
    </span>
  )
}

function ThemeButton({ set }: { set: (part: Partial<Address>) => void }) {
  const scheme = useScheme()
  const other: Theme = scheme === 'dark' ? 'light' : 'dark'
  const label = other === 'dark' ? words.bar.toDark : words.bar.toLight
  return (
    <button type="button" className={classes.theme} aria-label={label} title={label} onClick={() => set({ theme: other })}>
      <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" strokeWidth="1.5" />
        <path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor" />
      </svg>
    </button>
  )
}

