import { useState } from 'preact/hooks'
import { html } from '../html.js'
import { ProblemNote } from '../problem-note.js'
import { signIn } from '../session.js'

export function SignIn() {
	const [problem, setProblem] = useState(null)
	const [isBusy, setBusy] = useState(false)
	const submit = async (event) => {
		event.preventDefault()
		const token = event.currentTarget.elements.token.value
		setBusy(true)
		setProblem(null)
		await signIn(token).catch((cause) => {
			setProblem(cause)
			setBusy(false)
		})
	}
	return html`<main class="alone">
		<h1><img src="/page/icon.svg" alt="" width="28" height="28" /> seam-relay</h1>
		<form class="card" onSubmit=${submit}>
			<label for="token">Token</label>
			<input id="token" name="token" type="password" required autocomplete="current-password" autofocus />
			<p class="quiet">It is the value of <code>OPERATOR_TOKEN</code>, or of <code>OPERATOR_READ_TOKEN</code> to look and change nothing.</p>
			<button type="submit" class="first" disabled=${isBusy}>Sign in</button>
			<${ProblemNote} problem=${problem} />
		</form>
	</main>`
}
