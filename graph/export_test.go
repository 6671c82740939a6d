package graph

// DefaultSocketLimits are those that hold where nothing else is said.
func DefaultSocketLimits() SocketLimits {
	var l SocketLimits
	l.fill()
	return l
}
