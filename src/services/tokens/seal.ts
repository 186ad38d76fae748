const ivLength = 12

/**
 * AES-256-GCM (NIST SP 800-38D) with a random 96-bit IV before the ciphertext, base64url. `context` is authenticated with it, so that a
 * sealed value moved to another row does not open.
 */
export async function seal(
  key: Uint8Array<ArrayBuffer>,
  plain: Uint8Array<ArrayBuffer>,
  context: string,
): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(ivLength))
  const sealed = await crypto.subtle.encrypt(algorithm(iv, context), await importKey(key, 'encrypt'), plain)
  return Buffer.concat([iv, new Uint8Array(sealed)]).toString('base64url')
}

/** Undoes `seal`. @throws when the key, the context or a single bit differs */
export async function unseal(
  key: Uint8Array<ArrayBuffer>,
  sealed: string,
  context: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = Uint8Array.from(Buffer.from(sealed, 'base64url'))
  const iv = bytes.slice(0, ivLength)
  try {
    return new Uint8Array(
      await crypto.subtle.decrypt(algorithm(iv, context), await importKey(key, 'decrypt'), bytes.slice(ivLength)),
    )
  } catch {
    throw new Error('a sealed value does not open: another key sealed it, or it was changed')
  }
}

function algorithm(iv: Uint8Array<ArrayBuffer>, context: string) {
  return { name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(context) }
}

function importKey(key: Uint8Array<ArrayBuffer>, use: 'encrypt' | 'decrypt'): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', key, 'AES-GCM', false, [use])
}
