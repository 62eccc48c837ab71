/**
 * The first call at once, those that follow too soon as one, after the gap. None while nobody sees the page: the stream
 * calls again when somebody does.
 */
export function atMostEvery(gapMs, run) {
	let timer = null
	let isAskedFor = false
	const ask = () => {
		isAskedFor = timer !== null
		if (isAskedFor || document.hidden) return
		timer = setTimeout(() => {
			timer = null
			if (isAskedFor) ask()
		}, gapMs)
		void run()
	}
	return ask
}
