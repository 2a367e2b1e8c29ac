//! What the browser remembers for us; a browser that refuses storage only forgets.

export function remember(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`potluck.${name}`)
    else localStorage.setItem(`potluck.${name}`, value)
  } catch {
    // Private mode, or storage full.
  }
}

export function recall(name: string): string | null {
  try {
    return localStorage.getItem(`potluck.${name}`)
  } catch {
    return null
  }
}
