/** What the breach stand-in knows: long enough for the password policy, so that only the breach check can refuse them. */
export const breachedPassphrases = [
  'correct horse battery staple',
  'correcthorsebatterystaple',
  'the quick brown fox jumps',
  'passwordpassword',
  'password1password1',
  'iloveyouiloveyou',
  'letmeinletmeinletmein',
  'qwertyuiopasdfgh',
  'monkeymonkeymonkey',
  'thisisnotasecurepassword',
] as const
