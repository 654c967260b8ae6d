/** Hands a file to the browser. */
export function save(name: string, type: string, content: BlobPart): void {
  const url = URL.createObjectURL(new Blob([content], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

/** The drawing inside an element as a picture of twice its size, on the colour of the card. */
export async function savePng(name: string, element: HTMLElement | null): Promise<void> {
  const drawing = element?.querySelector('svg')
  if (!element || !drawing) return
  const { width, height } = drawing.getBoundingClientRect()
  const copy = drawing.cloneNode(true) as SVGSVGElement
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  for (const [key, value] of [['width', width], ['height', height]] as const) copy.setAttribute(key, String(value))
  // Those of the chart library carry their styles; ours have classes.
  if (drawing.hasAttribute('class')) copyStyles(drawing, copy)
  copyLabels(element, copy)
  const image = new Image()
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`
  await image.decode()
  const canvas = document.createElement('canvas')
  canvas.width = width * 2
  canvas.height = height * 2
  const context = canvas.getContext('2d')
  if (!context) return
  context.fillStyle = getComputedStyle(element).getPropertyValue('--card') || '#fff'
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.drawImage(image, 0, 0, canvas.width, canvas.height)
  canvas.toBlob((blob) => blob && save(name, 'image/png', blob), 'image/png')
}

const STYLES = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'opacity', 'font-size', 'font-weight', 'text-anchor', 'paint-order']

/** A picture stands alone: what style sheets say of a drawing has to be said within. */
function copyStyles(from: Element, to: Element): void {
  const style = getComputedStyle(from)
  for (const name of STYLES) to.setAttribute(name, style.getPropertyValue(name))
  if (from instanceof SVGSVGElement) to.setAttribute('font-family', 'sans-serif')
  ;[...from.children].forEach((child, index) => to.children[index] && copyStyles(child, to.children[index]))
}

/** Names at the ends of lines stand beside the drawing in the page; a picture needs them within. */
function copyLabels(element: HTMLElement, drawing: SVGSVGElement): void {
  const origin = element.querySelector('svg')?.getBoundingClientRect()
  if (!origin) return
  for (const label of element.querySelectorAll<HTMLElement>('[data-ghost] > span')) {
    const box = label.getBoundingClientRect()
    const style = getComputedStyle(label)
    const text = document.createElementNS('http://www.w3.org/2000/svg', 'text')
    text.setAttribute('x', String(box.left - origin.left))
    text.setAttribute('y', String(box.top - origin.top + box.height * 0.75))
    text.setAttribute('fill', style.color)
    text.setAttribute('font-size', style.fontSize)
    text.setAttribute('font-family', 'sans-serif')
    text.textContent = label.textContent
    drawing.append(text)
  }
}
