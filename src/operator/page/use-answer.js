import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { get } from './api.js'
import { onActivity } from './live/stream.js'

/** Between two loads that the stream asks for. */
const LIVE_GAP_MS = 1500

/**
 * The answer of a call, loaded again by `reload`, and after something happened in the relay where `live` is set. While
 * a new one is loading, the old one stays.
 */
export function useAnswer(path, { live = false } = {}) {
	const [state, setState] = useState({ path: null, data: null, problem: null, isLoading: true })
	const abort = useRef(null)

	const load = useCallback(async () => {
		abort.current?.abort()
		if (path === null) return
		const controller = new AbortController()
		abort.current = controller
		setState((old) => ({
			...(old.path === path ? old : { path, data: null, problem: null }),
			isLoading: true,
		}))
		try {
			const data = await get(path, controller.signal)
			if (!controller.signal.aborted) setState({ path, data, problem: null, isLoading: false })
		} catch (problem) {
			if (controller.signal.aborted) return
			setState((old) => ({ path, data: old.path === path ? old.data : null, problem, isLoading: false }))
		}
	}, [path])

	useEffect(() => {
		void load()
		return () => abort.current?.abort()
	}, [load])

	useEffect(() => (live ? onActivity(atMostEvery(LIVE_GAP_MS, load)) : undefined), [live, load])

	// What was loaded for another address is not shown for this one.
	const current = state.path === path ? state : { data: null, problem: null, isLoading: true }
	return { data: current.data, problem: current.problem, isLoading: current.isLoading, reload: load }
}

/** The first call at once, those that follow too soon as one, after the gap. */
export function atMostEvery(gapMs, run) {
	let timer = null
	let isAskedFor = false
	const begin = () => {
		isAskedFor = false
		timer = setTimeout(() => {
			timer = null
			if (isAskedFor) begin()
		}, gapMs)
		void run()
	}
	return () => {
		if (timer === null) begin()
		else isAskedFor = true
	}
}
