// Loaded before the program (`node --import`): what Node compiles is kept on disk, and the next start neither strips
// types nor compiles. The folder's files are good for one version of Node, its flags and one user only; where they do
// not fit or cannot be written, the start takes longer and nothing else happens.
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url)))
