import { useQuery } from '@tanstack/react-query'
import { useRef } from 'react'
import type { Definitions } from '../api/client'
import { plain } from '../api/queries'
import { toSteps } from '../charts/toSteps'
import { Steps } from '../charts/Steps'
import { windowName } from '../format/time'
import { format } from '../format/value'
import { useWidth } from '../hooks'
import { follow, usePlace } from '../useAddress'
import { titleOf, words } from '../words'
import { Card } from './Card'
import { ChartActions, fileName } from './ChartActions'
import { Empty } from './Empty'
import { Failure } from './Failure'
import { reasonText } from './reason'
import { Split } from './Split'
import { Table } from './Table'
import classes from './Flow.module.css'

const BESIDE = ['batch_size', 'time_in_ci', 'pipeline_success_rate', 'flaky_run_rate', 'rollout_spread', 'deployment_success_rate', 'automated_deployment_rate']

/** From commit to production: how long it takes how many, what is known of the way, and what is not. */
export function Flow({ definitions }: { definitions: Definitions | undefined }) {
  const { address, to } = usePlace()
  const { data, error, isPlaceholderData, refetch } = useQuery(plain(address, address.node, ['lead_time', ...BESIDE], 'stage'))
  const [frame, width] = useWidth<HTMLDivElement>()
  const png = useRef<HTMLDivElement>(null)
  const lead = data?.metrics['lead_time']
  const steps = lead ? toSteps(lead) : null
  const sentence = words.flow.sentence(windowName(address.window, address.zone))
  const csv = steps ? () => ['share,seconds', ...steps.map((step) => `${step.share},${step.value}`)].join('\r\n') + '\r\n' : null
  return (
    <Card title={words.flow.title} note={sentence} actions={<ChartActions name={fileName(address.node, 'flow')} title={words.flow.title} csv={csv} frame={png} />}>
      <div ref={frame} className="chart" data-stale={isPlaceholderData}>
        {error && !data ? (
          <Failure error={error} retry={() => void refetch()} />
        ) : !lead ? (
          <div className="skeleton" style={{ height: 160 }} />
        ) : !steps ? (
          <Empty title={words.flow.none} why={reasonText(lead) ?? undefined} />
        ) : address.tables ? (
          <Table
            caption={sentence}
            head={[{ name: words.flow.share }, { name: titleOf('lead_time', definitions), right: true }]}
            rows={steps.map((step) => ({ key: step.name, cells: [words.flow.within[step.name], format(step.value, 's')] }))}
          />
        ) : (
          <div ref={png}>{width > 0 && <Steps steps={steps} width={width} title={sentence} />}</div>
        )}
      </div>
      <Split metric="lead_time" answer={lead} title={words.flow.stages} sentence={words.flow.stagesSentence} width={width} definitions={definitions} />
      <Split metric="time_in_ci" answer={data?.metrics['time_in_ci']} title={words.flow.ci} sentence={words.flow.ciSentence} width={width} definitions={definitions} />
      {data && (
        <dl className={classes.beside}>
          {BESIDE.map((metric) => {
            const answer = data.metrics[metric]
            // Where everything runs on one instance there is nothing to spread.
            if (metric === 'rollout_spread' && answer?.value == null) return null
            const href = to({ explain: metric })
            return (
              <div key={metric}>
                <dt>
                  <a href={href} onClick={follow}>
                    {titleOf(metric, definitions)}
                  </a>
                </dt>
                <dd>
                  {answer?.value == null ? (
                    <span className="dim">{(answer && reasonText(answer)) ?? words.tile.na}</span>
                  ) : (
                    <>
                      <strong>{format(answer.value, answer.unit)}</strong> <span className="dim">{words.tile.n(answer.n)}</span>
                    </>
                  )}
                </dd>
              </div>
            )
          })}
        </dl>
      )}
    </Card>
  )
}
