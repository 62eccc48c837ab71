import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { get } from './api.js'
import { atMostEvery } from './live/at-most-every.js'
import { onActivity } from './live/stream.js'

/**
 * The answer of a call. It is loaded again by `reload`, and with `live` after something happened in the relay, at most
 * every `gapMs`. While a new one is loading, the old one stays.
 */
export function useAnswer(path, { live = false, gapMs = 3000 } = {}) {
	const [state, setState] = useState({ path, data: null, problem: null })
	const abort = useRef(null)

	const load = useCallback(async () => {
		abort.current?.abort()
		if (path === null) return
		const { signal } = (abort.current = new AbortController())
		try {
			const data = await get(path, signal)
			if (!signal.aborted) setState({ path, data, problem: null })
		} catch (problem) {
			if (!signal.aborted) setState((old) => ({ path, data: old.path === path ? old.data : null, problem }))
		}
	}, [path])

	useEffect(() => {
		void load()
		return () => abort.current?.abort()
	}, [load])

	useEffect(() => (live ? onActivity(atMostEvery(gapMs, load)) : undefined), [live, load])

	// What was loaded for another address is not shown for this one.
	const { data, problem } = state.path === path ? state : { data: null, problem: null }
	return { data, problem, reload: load }
}
