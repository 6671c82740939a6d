// Package wire is HTTP/1.1 as cheap as a benchmark needs it: a client that writes
// requests that are ready, and a server that answers with answers that are ready,
// over plain connections, with buffers that are used again. What a generator and
// a receiver cost is in every measurement, so it has to be little.
//
// It speaks to the servers and clients of net/http and to itself. It leaves out
// pipelining on the client's side, the Date header, trailers, which are read and
// dropped, and every other protocol than TCP.
package wire
