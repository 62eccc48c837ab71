import { useEffect, useState } from 'preact/hooks'

/** A value that parts of the page share. */
export function observable(value) {
	const observers = new Set()
	return {
		get: () => value,
		set(next) {
			if (next === value) return
			value = next
			for (const observer of observers) observer(value)
		},
		subscribe(observer) {
			observers.add(observer)
			return () => observers.delete(observer)
		},
	}
}

/** The value, and the component drawn again when it changes. */
export function useObservable(source) {
	const [value, setValue] = useState(source.get())
	useEffect(() => {
		setValue(source.get())
		return source.subscribe((next) => setValue(() => next))
	}, [source])
	return value
}
