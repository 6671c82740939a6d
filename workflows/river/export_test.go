package river

// Logger is what River is given.
var Logger = (*Engine).riverLogger
