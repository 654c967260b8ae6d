// Only the parts of ECharts that are drawn.
import { LineChart } from 'echarts/charts'
import { GridComponent, TooltipComponent } from 'echarts/components'
import { init, use, type EChartsType } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'

use([LineChart, GridComponent, TooltipComponent, SVGRenderer])

export type Drawing = EChartsType

export function draw(element: HTMLElement): Drawing {
  return init(element, undefined, { renderer: 'svg' })
}
