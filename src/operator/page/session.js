import { get, onSignedOut, post, remove } from './api.js'
import { observable } from './observable.js'

/** `unknown` until the first answer; what we may do is `act` or `read`. */
export const session = observable({ state: 'unknown', may: 'read' })
/** The newest answer of `/api/overview`, for the whole page, and what went wrong with the last one. */
export const overview = observable(null)
export const overviewProblem = observable(null)
/** How a hook is, as far as that is known. */
export const healthOf = (hook) => overview.get()?.hooks.find((one) => one.hook === hook)

onSignedOut(() => {
	session.set({ state: 'out', may: 'read' })
	overview.set(null)
})

/** Never throws: what went wrong stands in `overviewProblem`. */
export async function loadOverview() {
	try {
		const answer = await get('/api/overview')
		const { state, may } = session.get()
		if (state !== 'in' || may !== answer.may)
			session.set({ state: 'in', may: answer.may, signedIn: answer.is_signed_in })
		overview.set(answer)
		overviewProblem.set(null)
	} catch (problem) {
		overviewProblem.set(problem)
	}
}

/** @throws {Problem} if the token is not the right one */
export async function signIn(token) {
	const { may } = await post('/session', { token })
	session.set({ state: 'in', may, signedIn: true })
	await loadOverview()
}

export async function signOut() {
	await remove('/session')
	await loadOverview()
}
