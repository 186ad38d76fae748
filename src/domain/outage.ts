/** Something outside did not answer, or not in time. The request was refused because of it and may be tried again. */
export class Outage extends Error {
  override readonly name = 'Outage'
}
