import './styles/mantine.css'
import '@fontsource-variable/inter/wght.css'
import './styles/tokens.css'
import './styles/page.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './App'
import { language } from './words'

document.documentElement.lang = language
const root = document.getElementById('root')
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  )
}
