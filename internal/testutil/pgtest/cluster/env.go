package cluster

const (
	// EnvShared names the environment variable with the superuser's URL of a running
	// scratch cluster for tests to use, instead of one of their own.
	EnvShared = "DATAPUSHER_TEST_POSTGRES"

	// EnvKeep names the environment variable that, set to anything, keeps what
	// failed tests leave behind.
	EnvKeep = "DATAPUSHER_TEST_KEEP"
)
