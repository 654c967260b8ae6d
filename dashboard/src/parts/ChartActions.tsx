import type { RefObject } from 'react'
import { save, savePng } from '../charts/save'
import { usePlace } from '../useAddress'
import { words } from '../words'

interface Props {
  /** Name of the files, without its end. */
  name: string
  /** What the buttons are about, for those who hear them. */
  title: string
  /** The file of numbers; null when there is nothing to draw. */
  csv: (() => string) | null
  /** What holds the drawing. */
  frame: RefObject<HTMLElement | null>
}

/** The table behind a chart, its numbers and its picture. */
export function ChartActions({ name, title, csv, frame }: Props) {
  const { address, set } = usePlace()
  return (
    <>
      <button type="button" className="quiet" aria-label={words.of(words.evolution.table, title)} aria-pressed={address.tables} onClick={() => set({ tables: !address.tables })}>
        {words.evolution.table}
      </button>
      <button type="button" className="quiet" aria-label={words.of(words.evolution.csv, title)} disabled={!csv} onClick={() => csv && save(`${name}.csv`, 'text/csv', csv())}>
        {words.evolution.csv}
      </button>
      <button type="button" className="quiet" aria-label={words.of(words.evolution.png, title)} disabled={!csv || address.tables} onClick={() => void savePng(`${name}.png`, frame.current)}>
        {words.evolution.png}
      </button>
    </>
  )
}

export const fileName = (node: string, what: string): string => `leadline-${node.replace(/\W+/g, '-')}-${what}`
