import { render } from 'preact'
import { Frame } from './frame.js'
import { html } from './html.js'
import { loadOverview } from './session.js'

render(html`<${Frame} />`, document.body)
void loadOverview()
