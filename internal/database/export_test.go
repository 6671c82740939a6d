package database

// NewDialer makes what the Postgres driver dials with.
func NewDialer() *dialer { return newDialer() }
