// Loaded into wrangler before its own code: when the stack goes, however it goes, wrangler ends as on SIGTERM and takes workerd along.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
