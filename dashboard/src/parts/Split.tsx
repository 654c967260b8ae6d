import { useRef } from 'react'
import type { Definitions, MetricAnswer } from '../api/client'
import { PartBars } from '../charts/PartBars'
import { partsCsv, toParts } from '../charts/toParts'
import { count, format, percent } from '../format/value'
import { follow, usePlace } from '../useAddress'
import { titleOf, words } from '../words'
import { ChartActions, fileName } from './ChartActions'
import { Table } from './Table'
import { reasonText } from './reason'
import classes from './Flow.module.css'

interface Props {
  metric: string
  answer: MetricAnswer | undefined
  title: string
  sentence: string
  width: number
  definitions: Definitions | undefined
}

/** A metric taken apart: a bar for each part that has a value, a table of all of them, or why there is none. */
export function Split({ metric, answer, title, sentence, width, definitions }: Props) {
  const { address, to } = usePlace()
  const png = useRef<HTMLDivElement>(null)
  const split = answer?.split
  if (!answer || !split) return null
  const bars = toParts(answer)
  const href = (part: string) => to({ explain: `${metric}:${part}` })
  const shown = split.parts.filter((part) => part.n > 0 || Object.keys(part.excluded).length > 0)
  const name = (part: string) => words.parts[part] ?? part
  const csv = bars ? () => partsCsv(split.parts, answer.unit) : null
  return (
    <section aria-label={title}>
      <h3 className={classes.head}>{title}</h3>
      {!bars ? (
        <p className="note">{words.split.none(firstReason(split.parts) ?? reasonText(answer) ?? '')}</p>
      ) : (
        <>
          {address.tables ? (
            <Table
              caption={sentence}
              head={[{ name: words.split.part }, { name: titleOf(metric, definitions), right: true }, { name: words.split.rows, right: true }, { name: words.split.used, right: true }, { name: words.split.why }]}
              rows={shown.map((part) => ({
                key: part.part,
                cells: [
                  <a key="part" href={href(part.part)} onClick={follow}>
                    {name(part.part)}
                  </a>,
                  part.value === null ? words.tile.na : format(part.value, part.unit),
                  count(part.n),
                  part.coverage === null ? words.none : percent(part.coverage),
                  part.value === null ? (reasonText({ reason: part.reason, reason_text: part.reason_text }) ?? '') : '',
                ],
              }))}
            />
          ) : (
            <div ref={png}>{width > 0 && <PartBars bars={bars} unit={answer.unit} width={width} title={sentence} href={href} follow={follow} />}</div>
          )}
          <p className="note">
            {sentence} {split.bottleneck && words.split.bottleneck(name(split.bottleneck))} {split.by === 'stage' && words.split.alone}
          </p>
          <ChartActions name={fileName(address.node, metric)} title={title} csv={csv} frame={png} />
        </>
      )}
    </section>
  )
}

/** Why no part has a value: the reason most of them give. */
function firstReason(parts: NonNullable<MetricAnswer['split']>['parts']): string | null {
  const first = parts.find((part) => part.reason !== null)
  return first ? reasonText({ reason: first.reason, reason_text: first.reason_text }) : null
}
