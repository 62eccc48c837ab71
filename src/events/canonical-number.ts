/**
 * A JSON number in one spelling: `JSON.stringify`'s, where that says exactly what the text says. JavaScript's numbers
 * hold about 16 digits, and beyond 2^53 not every whole number; there it is the digits themselves and a power of ten.
 */
export function canonicalNumber(text: string): string {
  const rounded = String(JSON.stringify(Number(text)))
  if (rounded === text) return text
  const exact = digitsAndPower(text)
  // Infinity, of numbers that are too large, is written as null.
  return rounded !== 'null' && digitsAndPower(rounded) === exact ? rounded : exact
}

/** `-12.50e3` is `-125e2`. */
function digitsAndPower(text: string): string {
  const [, sign = '', whole = '', fraction = '', power = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  const digits = whole + fraction
  let start = 0
  while (digits[start] === '0') start++
  let end = digits.length
  while (end > start && digits[end - 1] === '0') end--
  if (start === end) return '0'
  return `${sign}${digits.slice(start, end)}e${BigInt(power) - BigInt(fraction.length) + BigInt(digits.length - end)}`
}
