/** Adds what `.env` in the working directory says to the environment. Gives what is wrong with one that cannot be read. */
export function loadDotEnv(): string | null {
  try {
    process.loadEnvFile()
    return null
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? null : `.env cannot be read: ${message}`
  }
}
