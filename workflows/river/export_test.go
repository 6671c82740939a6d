package river

// MigrationLock is what migrating processes queue for.
const MigrationLock = migrationLock

// Logger is what River is given.
var Logger = (*Engine).riverLogger
