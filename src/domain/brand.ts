declare const brand: unique symbol

/** A `T` that only the parser naming `N` may make: raw strings do not fit where a branded one is asked for. */
export type Brand<T, N extends string> = T & { readonly [brand]: N }
